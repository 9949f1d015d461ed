// The artifacts that the indices of a release are.
import type { Artifact } from "../../core/artifact.ts";
import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import { algorithmOf, hashName, integrityOfHash } from "./hashes.ts";
import type { Release } from "./release.ts";
import { encodePath, folderOf, inFolder } from "./routes.ts";

/** An index of one release. `path` as the Release names it. */
export interface Index {
  suite: string;
  release: Release;
  path: string;
}

/** By hash, the paths of the files that a Release names. */
const pathsByHash = memo((release: Release): Map<string, string[]> => {
  const paths = new Map<string, string[]>();
  for (const [path, { hash }] of release.files) {
    const same = paths.get(hash);
    if (same) same.push(path);
    else paths.set(hash, [path]);
  }
  return paths;
});

/** The path of the file with this hash in a folder of the suite ("main/binary-amd64"), or null. `algorithm` as in by-hash paths. */
export function pathByHash(
  release: Release,
  folder: string,
  algorithm: string,
  digest: string,
): string | null {
  const hash = release.aliases.get(`${algorithm}/${digest}`) ?? digest;
  const paths = pathsByHash(release).get(hash) ?? [];
  return paths.find((path) => folderOf(path) === folder) ?? null;
}

const indicesOf = memo((_: Release) => new Map<string, Artifact>());

/**
 * The artifact that an index of a release is. `suite` is the suite folder, `path` as the Release names it; throws Problem("notFound") when it does
 * not name it. The same object each time.
 */
export function indexArtifact(suite: string, release: Release, path: string): Artifact {
  const known = indicesOf(release);
  const key = `${suite}\0${path}`;
  let artifact = known.get(key);
  if (!artifact) {
    artifact = makeIndex(suite, release, path);
    known.set(key, artifact);
  }
  return artifact;
}

function makeIndex(suite: string, release: Release, path: string): Artifact {
  const file = release.files.get(path);
  if (!file) throw new Problem("notFound", `The Release of ${suite} does not name ${path}`);
  const place = encodePath(inFolder(suite, path));
  const byHash = encodePath(
    inFolder(suite, inFolder(folderOf(path), `by-hash/${hashName(file.hash)}/${file.hash}`)),
  );
  return {
    kind: "index",
    package: suite,
    version: path,
    file: file.hash,
    purl: `${purl("generic", inFolder(suite, path))}?checksum=${algorithmOf(file.hash)}:${file.hash}`,
    contentType: contentTypeOf(path),
    path: release.byHash ? byHash : place,
    ...(release.byHash && { otherPaths: [place] }),
    namedBy: [],
    integrity: async () => integrityOfHash(file.hash),
    limit: file.size,
    isMoving: true,
  };
}

const TYPES: Record<string, string> = {
  gz: "application/gzip",
  xz: "application/x-xz",
  bz2: "application/x-bzip2",
  lzma: "application/x-lzma",
  lz4: "application/x-lz4",
  zst: "application/zstd",
  deb: "application/vnd.debian.binary-package",
  udeb: "application/vnd.debian.binary-package",
  ddeb: "application/vnd.debian.binary-package",
};

const TEXT =
  /(^|\/)(Packages|Sources|Release|Index|Translation-[^/.]+|Contents-[^/.]+|Commands-[^/.]+)$|\.(dsc|asc|yml)$/;

export function contentTypeOf(path: string): string {
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1)];
  return type ?? (TEXT.test(path) ? "text/plain; charset=utf-8" : "application/octet-stream");
}
