// A module's files, made of code: the same as the go command makes of it, so that its h1 is the one that everybody finds.
import { readTar } from "../../../archive/tar.ts";
import { type NewZipEntry, writeZip } from "../../../archive/zip-writer.ts";
import { Problem } from "../../../core/problem.ts";
import type { CodeSource, SourceRelease } from "../../../core/source.ts";
import type { RevisionInfo } from "../info.ts";
import { INFO_LIMIT } from "../info.ts";
import { modulePurl, versionPath } from "../names.ts";
import { isGoAtLeast, MOD_LIMIT } from "./mod-file.ts";
import { type FolderFile, moduleFiles, tooLarge, ZIP_LIMIT } from "./module-files.ts";
import type { Revision } from "./revisions.ts";

/** `HostedRelease.metadata` of a module. */
export interface ModuleMetadata {
  /** What its .info says beside the version. */
  info: Omit<RevisionInfo, "Version">;
}

export function infoOf(
  source: CodeSource,
  { version, commit, ref, folder }: Revision,
): RevisionInfo {
  const Origin: Record<string, string> = { VCS: "git", URL: source.url, Hash: commit.id };
  if (ref?.startsWith("refs/tags/")) Origin["Ref"] = ref;
  if (folder !== "") Origin["Subdir"] = folder;
  const Time = new Date(commit.time).toISOString().replace(".000Z", "Z");
  return { Version: version, Time, Origin };
}

export function fileOf(module: string, version: string, kind: "info" | "mod" | "zip") {
  return {
    file: `${version}.${kind}`,
    kind,
    purl: modulePurl(module, version),
    path: `/${versionPath(module, version, kind)}`,
    metadata: null,
  };
}

export function metadataOf(info: RevisionInfo): ModuleMetadata {
  const { Version: _, ...rest } = info;
  return { info: rest };
}

/** What the go command asks of many versions, to choose one. */
export function smallFiles(source: CodeSource, module: string, revision: Revision): SourceRelease {
  const info = infoOf(source, revision);
  const { version, mod } = revision;
  return {
    metadata: metadataOf(info),
    files: [
      {
        ...fileOf(module, version, "info"),
        bytes: once(Buffer.from(JSON.stringify(info))),
        limit: INFO_LIMIT,
      },
      { ...fileOf(module, version, "mod"), bytes: once(mod), limit: MOD_LIMIT },
    ],
  };
}

export async function zipFile(
  source: CodeSource,
  module: string,
  revision: Revision,
): Promise<SourceRelease> {
  const { version, commit, folder } = revision;
  const inside = folder === "" ? "" : `${folder}/`;
  const tree = await source.tree(commit.id, folder);
  const files: FolderFile[] = tree
    .filter(({ type, path }) => type !== "module" && path.startsWith(inside))
    .map(({ path, type, size }) => ({
      path: path.slice(inside.length),
      isRegular: type !== "link",
      size,
    }));
  const license =
    folder !== "" && !files.some(({ path }) => path === "LICENSE")
      ? await source.file(commit.id, "LICENSE", MOD_LIMIT).catch(unlessLarge)
      : null;
  if (license) files.push({ path: "LICENSE", isRegular: true, size: license.length });
  const isNew = isGoAtLeast(Buffer.from(revision.mod).toString("utf8"), 1, 24);
  const chosen = new Set(moduleFiles(files, isNew).map(({ path }) => path));
  return {
    metadata: metadataOf(infoOf(source, revision)),
    files: [
      {
        ...fileOf(module, version, "zip"),
        bytes: writeZip(entries()),
        limit: ZIP_LIMIT,
      },
    ],
  };

  async function* entries(): AsyncGenerator<NewZipEntry> {
    const top = `${module}@${version}/`;
    let size = license?.length ?? 0;
    const archive = source.archive(commit.id, { folder, exportIgnore: false });
    for await (const entry of readTar(archive)) {
      const path = entry.name.slice(inside.length);
      if (entry.type !== "file" || !entry.name.startsWith(inside) || !chosen.has(path)) {
        for await (const _ of entry.chunks());
        continue;
      }
      // With the line ends that it has here, it may be larger than in Git.
      size += entry.size;
      if (size > ZIP_LIMIT) throw tooLarge();
      yield { name: top + path, chunks: entry.chunks() };
    }
    if (license && chosen.has("LICENSE")) yield { name: `${top}LICENSE`, chunks: once(license) };
  }
}

/** One that is too large is left out, as the go command does. */
function unlessLarge(error: unknown): null {
  if (error instanceof Problem && error.kind === "tooLarge") return null;
  throw error;
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
