// The archive of one commit: the files of the package's folder without what its authors want in none, the same bytes for the same commit.
// composer/composer, Package/Archiver/ArchivableFilesFinder
import { readTar } from "../../archive/tar.ts";
import { type NewZipEntry, writeZip } from "../../archive/zip-writer.ts";
import { Problem } from "../../core/problem.ts";
import type { CodeSource } from "../../core/source.ts";
import { createExclude } from "./exclude.ts";

const EXECUTABLE = 0o100;
/** What a disk or a program that unpacks it would take for something else. */
const ODD = /(?:^|\/)\.{0,2}(?:\/|$)|[\\\u0000-\u001f\u007f]/;

/** `exclude`: `archive.exclude` of its composer.json; what .gitattributes marks as export-ignore is left out as well. */
export function archiveOf(
  commit: string,
  exclude: readonly string[],
  source: CodeSource,
): AsyncIterable<Uint8Array> {
  return writeZip(entriesOf(commit, createExclude(exclude), source));
}

async function* entriesOf(
  commit: string,
  isExcluded: (path: string) => boolean,
  source: CodeSource,
): AsyncGenerator<NewZipEntry> {
  const { folder } = source;
  const top = folder === "" ? "" : `${folder}/`;
  // git holds all names in memory before it packs the first: one with too many of them is found out here.
  await source.tree(commit, folder);
  const tar = source.archive(commit, { ...(folder && { folder }), exportIgnore: true });
  let isEmpty = true;
  for await (const { name, type, mode, target, chunks } of readTar(tar)) {
    const path = name.slice(top.length);
    if (!name.startsWith(top) || path === "" || type === "directory" || isExcluded(path)) continue;
    if (ODD.test(path) || (type !== "file" && type !== "symlink"))
      throw new Problem(
        "malformed",
        `Commit ${commit} of ${source.url} has ${JSON.stringify(path.slice(0, 200))}, which no archive can hold`,
      );
    isEmpty = false;
    if (type === "file")
      yield { name: path, chunks: chunks(), isExecutable: (mode & EXECUTABLE) !== 0 };
    // As Composer: a link that leads out is in no archive.
    else if (staysInside(path, target)) yield { name: path, chunks: once(target), isLink: true };
  }
  if (isEmpty)
    throw new Problem(
      "malformed",
      `Commit ${commit} of ${source.url} leaves nothing for an archive`,
    );
}

function staysInside(path: string, target: string): boolean {
  if (target.startsWith("/") || target.includes("\\")) return false;
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
