// The artifact that a pool file is: what the catalog, the upstream and the world call it.
import { createHash } from "node:crypto";
import type { Artifact } from "../../core/artifact.ts";
import { purl } from "../../core/purl.ts";
import type { FileEntry } from "./files.ts";
import { contentTypeOf } from "./index-artifact.ts";
import { encodePath, PACKAGE_NAME, packageOf } from "./routes.ts";

/** By path in the repository, the digest (as lookup files have it) of bytes that took the place of others: an update, or let in by somebody. */
export type Replacements = ReadonlyMap<string, string>;

/** What of a lookup file's entry the artifact is made from. */
export type PoolEntry = Omit<FileEntry, "path" | "size"> & { size: number | null };

/** Bytes beyond the size that an index gives which still come, to be told as tampered with; more would only fill the disk. */
const EXCESS = 16 * 2 ** 20;

/** What an entry's bytes are known by here and in `Replacements`. */
export function digestOf({ sha256, integrity }: Pick<PoolEntry, "sha256" | "integrity">): string {
  return sha256 ?? integrity;
}

/**
 * The artifact that a pool file is. `path` is in the repository (`poolPath`), `origin` the Release's. Bytes that took the place of
 * others are another file of the catalog: pins are final.
 */
export function poolArtifact(
  path: string,
  entry: PoolEntry,
  origin: string | null,
  replacements: Replacements,
): Artifact {
  const digest = digestOf(entry);
  const { integrity, version } = entry;
  const isReplaced = replacements.get(path) === digest;
  return {
    kind: "pool",
    package: packageOf(path),
    version,
    file: isReplaced ? replacedName(path, digest) : path,
    purl: debPurl(origin, entry.package, version, entry.architecture),
    contentType: contentTypeOf(path),
    path: encodePath(path),
    namedBy: [],
    integrity: async () => integrity,
    ...(entry.size !== null && { limit: entry.size + EXCESS }),
  };
}

/** Archives have a package in the folder of its source, which is what advisories name: pool/main/x/xz-utils/liblzma5_5.6.0_amd64.deb */
export function sourceOf(path: string): string[] {
  const folder = path.split("/").at(-2) ?? "";
  const isOne = path.startsWith("pool/") && PACKAGE_NAME.test(folder);
  return isOne && folder !== packageOf(path) ? [folder] : [];
}

/** What the catalog calls the bytes with this digest, which took the place of others. */
export function replacedName(path: string, digest: string): string {
  const hex = /^[0-9a-f]{64}$/.test(digest)
    ? digest
    : createHash("sha256").update(digest).digest("hex");
  return `${path}@${hex.slice(0, 16)}`;
}

/** https://github.com/package-url/purl-spec/blob/main/types-doc/deb-definition.md */
function debPurl(origin: string | null, name: string, version: string, arch: string): string {
  const vendor = (origin ?? "").toLowerCase().replace(/[^a-z0-9.-]+/g, "-") || "unknown";
  const qualifier = arch && `?arch=${encodeURIComponent(arch)}`;
  return purl("deb", `${vendor}/${name}`, version) + qualifier;
}
