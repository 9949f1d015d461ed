// What an uploaded archive holds: its composer.json, and whether all programs that unpack it would unpack the same.
// composer/composer, Util/Zip::locateFile, Downloader/ArchiveDownloader
import { treeDigest } from "../../archive/tree.ts";
import {
  checkLocal,
  readDirectory,
  readEntry,
  type ZipEntry,
  zipLimits,
} from "../../archive/zip.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";
import { begins, ZIP } from "./content.ts";
import { MANIFEST_LIMIT, type Manifest, readManifest } from "./manifest.ts";

/** Read while clients wait: of less than what is only fetched, and more than the largest packages have. */
const LIMITS = { ...zipLimits, entries: 100_000, directorySize: 16 * 2 ** 20 };
const MANIFEST = "composer.json";
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
/** Of a link's target. Bytes. */
const TARGET_LIMIT = 4096;

/** Throws Problem("badRequest") for what is no package, or one that could be taken for two things. */
export async function readInside(file: RandomAccess): Promise<Manifest> {
  try {
    if (!(await begins(file, ZIP))) throw bad("it is no zip archive");
    const entries = await readDirectory(file, LIMITS);
    for (const entry of entries) checkEntry(entry);
    const manifest = readManifest(await contentOf(file, manifestIn(entries), MANIFEST_LIMIT));
    for (const entry of entries)
      if ((entry.mode & S_IFMT) === S_IFLNK) await checkLink(file, entry);
    await treeDigest(file);
    return manifest;
  } catch (error) {
    // In an archive that an upstream gave it is the upstream's fault; here it is the client's.
    if (!(error instanceof Problem) || error.kind !== "malformed") throw error;
    throw new Problem("badRequest", error.message, { cause: error });
  }
}

/** At its top, or in the one folder that all of it stands in, which clients take away. */
function manifestIn(entries: readonly ZipEntry[]): ZipEntry {
  const named = (name: string) => entries.find((entry) => entry.name === name);
  const [folder, ...others] = new Set(entries.map(({ name }) => name.split("/", 1)[0]));
  const found =
    named(MANIFEST) ?? (others.length === 0 ? named(`${folder}/${MANIFEST}`) : undefined);
  if (!found)
    throw bad(`it has no ${MANIFEST} at its top, nor in the one folder that all of it stands in`);
  return found;
}

function checkEntry({ name, method, encrypted }: ZipEntry): void {
  if (encrypted || (method !== 0 && method !== 8))
    throw bad(`${told(name)} in it is neither stored nor deflated`);
  if (/^\/|\\|[\u0000-\u001f\u007f]|(?:^|\/)\.{1,2}(?:\/|$)|\/\/|^[A-Za-z]:/.test(name))
    throw bad(`${told(name)} in it is no plain path`);
}

/** Folders that a link leads to are somebody else's files on the machine that it is unpacked on. */
async function checkLink(file: RandomAccess, entry: ZipEntry): Promise<void> {
  const target = Buffer.from(await contentOf(file, entry, TARGET_LIMIT)).toString("utf8");
  let depth = entry.name.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0 || target.startsWith("/"))
      throw bad(`the link ${told(entry.name)} leads out of it`);
  }
}

async function contentOf(file: RandomAccess, entry: ZipEntry, limit: number): Promise<Uint8Array> {
  if (entry.size > limit) throw bad(`${told(entry.name)} in it is larger than ${limit} bytes`);
  await checkLocal(file, entry);
  const parts: Uint8Array[] = [];
  for await (const part of readEntry(file, entry)) parts.push(part);
  return Buffer.concat(parts);
}

function told(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function bad(why: string): Problem {
  return new Problem("malformed", `The archive cannot be published: ${why}`);
}
