// Indices: found by their name in the generation that a client is in the middle of, or by their hash in any that is remembered.

import { createHash } from "node:crypto";
import type { Artifact } from "../../core/artifact.ts";
import { memo } from "../../core/memo.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Request } from "../../core/request.ts";
import type { Derived } from "../../core/task.ts";
import type { Generation } from "./documents.ts";
import { currentRelease, earlierReleases, knownSuites } from "./generations.ts";
import { givenTo } from "./given.ts";
import { algorithmOf } from "./hashes.ts";
import { type Index, indexArtifact, pathByHash } from "./index-artifact.ts";
import { compressedForms, indexName, isDiff, namesFiles } from "./index-names.ts";
import type { AptRepository } from "./memory.ts";
import { forgetIndices, prepareLookup } from "./open-lookups.ts";
import type { Release } from "./release.ts";
import { type AptRoute, inFolder, likelySuite, under } from "./routes.ts";
import { heldBack } from "./young.ts";

const PIECE = 256 * 1024;

/** Suites that hold a path, the deepest first. */
export async function suitesOf(repository: AptRepository, path: string): Promise<string[]> {
  const known = [...(await knownSuites(repository))];
  return known.filter((suite) => under(suite, path) !== null).sort((a, b) => b.length - a.length);
}

/**
 * The index at a path, in the release that the client was given last; null when no release names it. `isAsked`: a suite that is not known yet is asked for.
 * Throws a Problem when that cannot be.
 */
export async function indexAt(
  repository: AptRepository,
  path: string,
  client: string,
  isAsked: boolean,
): Promise<Index | null> {
  const suites = await suitesOf(repository, path);
  for (const suite of suites) {
    const release = await releaseFor(repository, suite, client);
    const name = under(suite, path)!;
    if (release.files.has(name) && !isDiff(name)) return { suite, release, path: name };
  }
  const suite = likelySuite(path);
  if (!isAsked || suites.includes(suite)) return null;
  const found = await currentRelease(repository, suite).catch(nullWhenNotFound);
  const name = under(suite, path)!;
  if (!found?.generation.release.files.has(name)) return null;
  return { suite, release: found.generation.release, path: name };
}

function nullWhenNotFound(error: unknown): null {
  if (error instanceof Problem && error.kind === "notFound") return null;
  throw error;
}

/** The release that a client is in the middle of fetching, or else the one in service. */
export async function releaseFor(
  repository: AptRepository,
  suite: string,
  client: string,
): Promise<Release> {
  const seen = await givenTo(repository, client, suite);
  // What it was given is stored: no question to the upstream makes it wait.
  const given = seen === null ? null : await rememberedRelease(repository, suite, seen);
  if (given) return given.release;
  const current = await currentRelease(repository, suite);
  const earlier = await heldBack(repository, suite, current);
  return (earlier ?? current).generation.release;
}

/** The one with this id, also when another server has put it into service a moment ago; null when none is remembered. */
export async function rememberedRelease(
  repository: AptRepository,
  suite: string,
  wanted: string,
): Promise<Generation | null> {
  const find = async () =>
    (await rememberedReleases(repository, suite)).find(({ id }) => id === wanted) ?? null;
  const found = await find();
  if (found) return found;
  await repository.catchUp();
  return find();
}

/** The release in service and those before it, without asking the upstream whether there is a newer one. */
export async function rememberedReleases(
  repository: AptRepository,
  suite: string,
): Promise<Generation[]> {
  try {
    const { generation } = await currentRelease(repository, suite, "stored");
    return [generation, ...(await earlierReleases(repository, suite))];
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

export type HashRoute = Extract<AptRoute, { kind: "hash" }>;

/** The index with a hash, in any generation that is remembered. Throws Problem("notFound") when none names it in that folder. */
export async function indexByHash(repository: AptRepository, route: HashRoute): Promise<Index> {
  const memory = repository.memory.byHash;
  let index = memory.get(route);
  if (!index) {
    index = await findByHash(repository, route);
    memory.set(route, index);
  }
  return index;
}

async function findByHash(repository: AptRepository, route: HashRoute): Promise<Index> {
  const { folder } = route;
  const file = inFolder(folder, "x");
  const suites = await suitesOf(repository, file);
  const likely = likelySuite(file);
  const remembered = async () => {
    for (const suite of suites) {
      const found = indexIn(await rememberedReleases(repository, suite), suite, route);
      if (found) return found;
    }
    return null;
  };
  const known = await remembered();
  if (known) return known;
  // A client may have been given its release by another server a moment ago.
  const before = repository.heard();
  await repository.catchUp();
  const told = repository.heard() === before ? null : await remembered();
  if (told) return told;
  let away: Problem | null = null;
  for (const suite of suites.includes(likely) ? suites : [...suites, likely]) {
    try {
      const { generation, cache } = await currentRelease(repository, suite);
      const found =
        indexIn([generation], suite, route) ??
        indexIn(await earlierReleases(repository, suite), suite, route);
      if (found) return found;
      if (cache.detail === "offline" || cache.detail === "unreachable")
        away ??= new Problem(
          cache.detail,
          `No stored release of ${suite} names an index with this hash, and the upstream cannot be asked for a newer one`,
        );
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.kind !== "notFound") away ??= error;
    }
  }
  const no = `No release that is remembered here names ${route.digest} in ${folder}`;
  const key = `by-hash/${folder}/${route.digest}`;
  throw await repository.explain(key, away ?? new Problem("notFound", no));
}

function indexIn(generations: Generation[], suite: string, route: HashRoute): Index | null {
  const { folder, algorithm, digest } = route;
  const inSuite = folder === suite ? "." : under(suite, folder);
  if (inSuite === null) return null;
  for (const { release } of generations) {
    const path = pathByHash(release, inSuite, algorithm, digest);
    if (path !== null) return { suite, release, path };
  }
  return null;
}

/** Why there is no index of a name that only indices have: null for other names. */
export async function unnamedIndex(
  repository: AptRepository,
  path: string,
): Promise<Problem | null> {
  const [suite = likelySuite(path)] = await suitesOf(repository, path);
  const name = under(suite, path);
  if (name === null || indexName(name).kind === "other") return null;
  const current = await currentRelease(repository, suite).catch(nullWhenNotFound);
  if (!current) return null;
  const { detail } = current.cache;
  const problem =
    detail === "offline" || detail === "unreachable"
      ? new Problem(
          detail,
          `The stored release of ${suite} does not name ${name}, and the upstream cannot be asked for a newer one`,
        )
      : new Problem("notFound", `The release of ${suite} does not name ${name}`);
  return (await repository.explain(`index/${path}`, problem)) as Problem;
}

export function serveByHash(
  index: Index,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  return open(index, request, repository);
}

/** What a name stands for changes with the generation, so nobody may keep it without asking. */
export const asName = memo(
  (reply: Reply): Reply => ({
    ...reply,
    headers: { ...reply.headers, "cache-control": "no-cache" },
  }),
);

export async function serveByName(
  index: Index,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  return asName(await open(index, request, repository));
}

async function open(index: Index, request: Request, repository: AptRepository): Promise<Reply> {
  const { suite, release, path } = index;
  const artifact = indexArtifact(suite, release, path);
  if (repository.memory.madeHere.has(artifact)) return make(index, artifact, repository, null);
  try {
    const found = await repository.artifact(artifact, request);
    if (!found.cache?.hit && namesFiles(path))
      expectFiles(index, artifact, repository).catch(() => {}); // the client is told itself
    return found;
  } catch (error) {
    if (!(error instanceof Problem) || (error.kind !== "notFound" && !cannotAsk(error)))
      throw error;
    // The upstream published since: the next client shall not have to wait for what it already has.
    if (error.kind === "malformed") currentRelease(repository, suite, "now").catch(() => {});
    return make(index, artifact, repository, error);
  }
}

/** Who fetched an index asks for files that it names next: its lookup file is made while the client still reads it. */
async function expectFiles(
  index: Index,
  artifact: Artifact,
  repository: AptRepository,
): Promise<void> {
  await repository.fetch(artifact);
  forgetIndices(repository, index.suite);
  prepareLookup(repository, index);
}

/** The plain form of an index that is there in a compressed one. Checked by the Release's hash before a byte of it is sent. */
async function make(
  { suite, release, path }: Index,
  artifact: Artifact,
  repository: AptRepository,
  reason: Problem | null,
): Promise<Reply> {
  const { size } = release.files.get(path)!;
  let failure = reason ?? new Problem("notFound", `The upstream does not have ${path}`);
  for (const source of compressedForms(release, path)) {
    try {
      const { sha256 } = await repository.fetch(indexArtifact(suite, release, source));
      const derive = () => repository.derive("plain", { index: source, size }, [sha256]);
      await prove(artifact, derive, repository, suite, path);
      return plainReply(artifact, size, derive);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (cannotAsk(error)) failure = error;
    }
  }
  throw failure;
}

async function prove(
  artifact: Artifact,
  derive: () => Promise<Derived>,
  { memory: { madeHere } }: AptRepository,
  suite: string,
  path: string,
): Promise<void> {
  if (madeHere.has(artifact)) return;
  const hash = createHash(algorithmOf(artifact.file));
  for await (const piece of pieces(derive)) hash.update(piece);
  if (hash.digest("hex") !== artifact.file)
    throw new Problem(
      "malformed",
      `The ${path} made from its compressed form is not what the Release of ${suite} says`,
    );
  madeHere.add(artifact);
}

function plainReply(artifact: Artifact, size: number, derive: () => Promise<Derived>): Reply {
  return {
    status: 200,
    headers: {
      "content-type": artifact.contentType,
      "content-disposition": "attachment",
      "cache-control": "public, max-age=31536000, immutable",
    },
    body: { chunks: pieces(derive), size },
    etag: artifact.file,
    cache: { hit: true },
  };
}

/** Opened when it is read, so that a reply whose body nobody wants leaves nothing open. */
async function* pieces(derive: () => Promise<Derived>): AsyncGenerator<Uint8Array> {
  const file = await derive();
  try {
    for (let at = 0; at < file.size; at += PIECE)
      yield await file.read(at, Math.min(PIECE, file.size - at));
  } finally {
    await file.close();
  }
}
