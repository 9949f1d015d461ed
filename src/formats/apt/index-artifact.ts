// The artifacts that the indices of a release are.
import type { Artifact } from "../../core/artifact.ts";
import { integrityFromHex } from "../../core/integrity.ts";
import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import type { Release } from "./release.ts";
import { encodePath, folderOf, inFolder } from "./routes.ts";

/** By SHA-256, the paths of the files that a Release names. */
const pathsByHash = memo((release: Release): Map<string, string[]> => {
  const paths = new Map<string, string[]>();
  for (const [path, { sha256 }] of release.files) {
    const same = paths.get(sha256);
    if (same) same.push(path);
    else paths.set(sha256, [path]);
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
  const sha256 = algorithm === "SHA256" ? digest : release.aliases.get(`${algorithm}/${digest}`);
  if (sha256 === undefined) return null;
  const paths = pathsByHash(release).get(sha256) ?? [];
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
    inFolder(suite, inFolder(folderOf(path), `by-hash/SHA256/${file.sha256}`)),
  );
  return {
    package: suite,
    version: path,
    file: file.sha256,
    purl: `${purl("generic", inFolder(suite, path))}?checksum=sha256:${file.sha256}`,
    contentType: contentTypeOf(path),
    path: release.byHash ? byHash : place,
    ...(release.byHash && { otherPaths: [place] }),
    namedBy: [],
    integrity: async () => integrityFromHex("sha256", file.sha256),
    limit: file.size,
    isMoving: true,
  };
}

const TYPES: Record<string, string> = {
  gz: "application/gzip",
  xz: "application/x-xz",
  bz2: "application/x-bzip2",
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
