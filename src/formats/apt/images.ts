// Images of the installer: a Release names the SHA256SUMS above them, and that lists them. https://wiki.debian.org/DebianInstaller
import type { Artifact } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import { algorithmOf, type HashName, integrityOfHash } from "./hashes.ts";
import { contentTypeOf, indexArtifact } from "./index-artifact.ts";
import { type HashRoute, releaseFor, rememberedReleases, suitesOf } from "./indices.ts";
import type { AptRepository } from "./memory.ts";
import type { Release } from "./release.ts";
import { encodePath, folderOf, inFolder, under } from "./routes.ts";

const SUMS = "SHA256SUMS";
/** Debian's has 300 lines of a hundred bytes. */
const LIMIT = 4 * 2 ** 20;
const REMEMBERED = 50;

/** Whether a path that a Release names is such a list. */
export function isSums(path: string): boolean {
  return path.endsWith(`/${SUMS}`);
}

/** The lists of a release that stand above a path, the nearest first: each in the suite, as the Release names it. */
function sumsAbove(release: Release, path: string): string[] {
  const found: string[] = [];
  for (let folder = folderOf(path); folder !== "."; folder = folderOf(folder)) {
    const list = `${folder}/${SUMS}`;
    if (release.files.has(list)) found.push(list);
  }
  return found;
}

/** The image of the installer at a path, in the release that the client was given last; why not, where a list of images stands above it. */
export async function imageFor(
  repository: AptRepository,
  path: string,
  client: string,
): Promise<{ image: Artifact | null; reason: Problem | null }> {
  let isAbove = false;
  for (const suite of await suitesOf(repository, path)) {
    const release = await releaseFor(repository, suite, client);
    const name = under(suite, path)!;
    const image = await imageAt(repository, suite, release, name);
    if (image) return { image, reason: null };
    isAbove ||= sumsAbove(release, name).length > 0;
  }
  const no = `No SHA256SUMS above it names ${path}: it could not be verified`;
  return { image: null, reason: isAbove ? new Problem("notFound", no) : null };
}

/** The image with a hash, in any generation that is remembered; null when none names it in that folder. */
export async function imageWithHash(
  repository: AptRepository,
  route: HashRoute,
): Promise<Artifact | null> {
  for (const suite of await suitesOf(repository, inFolder(route.folder, "x"))) {
    const folder = under(suite, route.folder);
    if (folder === null) continue;
    for (const { release } of await rememberedReleases(repository, suite)) {
      const image = await imageByHash(repository, suite, release, { ...route, folder });
      if (image) return image;
    }
  }
  return null;
}

/**
 * The image at a path of a suite, as a list of the release has it; null when none above it does. Throws a Problem when a list cannot be had.
 */
async function imageAt(
  repository: AptRepository,
  suite: string,
  release: Release,
  path: string,
): Promise<Artifact | null> {
  for (const list of sumsAbove(release, path)) {
    const hash = (await sumsOf(repository, suite, release, list)).get(path);
    if (hash !== undefined) return image(suite, path, hash);
  }
  return null;
}

/** The image with this hash in a folder of a suite; null when no list above it has one. Lists that cannot be had are passed over. */
async function imageByHash(
  repository: AptRepository,
  suite: string,
  release: Release,
  { folder, algorithm, digest }: { folder: string; algorithm: HashName; digest: string },
): Promise<Artifact | null> {
  if (algorithm !== "SHA256") return null;
  for (const list of sumsAbove(release, `${folder}/x`)) {
    const sums = await sumsOf(repository, suite, release, list).catch(nothing);
    for (const [path, hash] of sums)
      if (hash === digest && folderOf(path) === folder) return image(suite, path, hash);
  }
  return null;
}

function nothing(error: unknown): ReadonlyMap<string, string> {
  if (!(error instanceof Problem)) throw error;
  return new Map();
}

/** What a list names, by path in the suite: its SHA-256. */
export function sumsOf(
  repository: AptRepository,
  suite: string,
  release: Release,
  list: string,
): Promise<ReadonlyMap<string, string>> {
  const { sums } = repository.memory;
  const { hash, size } = release.files.get(list)!;
  const key = `${suite}\0${list}\0${hash}`;
  let known = sums.get(key);
  if (!known) {
    known = readSums(repository, suite, release, list, size);
    sums.set(key, known);
    if (sums.size > REMEMBERED) sums.delete(sums.keys().next().value!);
    known.catch(() => sums.delete(key));
  }
  return known;
}

async function readSums(
  repository: AptRepository,
  suite: string,
  release: Release,
  list: string,
  size: number,
): Promise<ReadonlyMap<string, string>> {
  if (size > LIMIT) throw new Problem("malformed", `${list} of ${suite} is larger than any is`);
  const { sha256 } = await repository.fetch(indexArtifact(suite, release, list));
  const lines = await repository.work<[path: string, hash: string][]>("sums", {}, [sha256]);
  const folder = folderOf(list);
  return new Map(lines.map(([path, hash]) => [inFolder(folder, path), hash]));
}

function image(suite: string, path: string, hash: string): Artifact {
  const place = inFolder(suite, path);
  return {
    kind: "image",
    package: suite,
    version: path,
    file: hash,
    purl: `${purl("generic", place)}?checksum=${algorithmOf(hash)}:${hash}`,
    contentType: contentTypeOf(path),
    path: encodePath(place),
    namedBy: [],
    integrity: async () => integrityOfHash(hash),
    // The next release may have another one there.
    isMoving: true,
  };
}
