// Files that the indices name: packages and sources. Nothing is fetched of which no verified index gives the hash.
import type { Artifact, Derived } from "../../core/format.ts";
import { integrityFromHex } from "../../core/integrity.ts";
import { memo } from "../../core/memo.ts";
import { cannotAsk, Problem, type ProblemKind } from "../../core/problem.ts";
import { findFile } from "./files.ts";
import {
  type AptRepository,
  currentRelease,
  earlierReleases,
  epochOf,
  knownSuites,
  wantingSuites,
} from "./generations.ts";
import { namesFiles } from "./index-names.ts";
import { looseArtifact } from "./loose.ts";
import { type Accepted, digestOf, type PoolEntry, poolArtifact } from "./pool-artifact.ts";
import type { Release } from "./release.ts";
import { type AptRoute, inFolder, packageOf, poolFolder } from "./routes.ts";

export { type Accepted, digestOf, type PoolEntry, poolArtifact } from "./pool-artifact.ts";

/** Where `holdfast apt accept` and admission keep it: JSON, path → digest. */
export const ACCEPTED = "accepted";

/** A file that says which pool files one index names. */
export interface Lookup {
  suite: string;
  release: Release;
  /** Of the index, as the Release names it. */
  path: string;
  /** Of the index. */
  sha256: string;
}

interface Handle {
  derived: Promise<Derived>;
  users: number;
  usedAt: number;
}

interface Memory {
  accepted: Promise<Accepted> | null;
  /** By suite, the SHA-256 of each stored index that names files. */
  stored: Map<string, Promise<ReadonlySet<string>>>;
  /** Open lookup files, by index. The longest unused are closed first. */
  handles: Map<string, Handle>;
}

const HANDLES = 256;

const memoryOf = memo(
  (_: AptRepository): Memory => ({ accepted: null, stored: new Map(), handles: new Map() }),
);

/** What was accepted until now. Read again after `forgetAccepted`. */
export function acceptedFiles(repository: AptRepository): Promise<Accepted> {
  const memory = memoryOf(repository);
  if (!memory.accepted) {
    const read = repository
      .kept(ACCEPTED)
      .then((kept) =>
        kept?.bytes.length
          ? new Map<string, string>(Object.entries(JSON.parse(Buffer.from(kept.bytes).toString())))
          : new Map<string, string>(),
      );
    memory.accepted = read;
    read.catch(() => {
      memory.accepted = null;
    });
  }
  return memory.accepted;
}

export function forgetAccepted(repository: AptRepository): void {
  memoryOf(repository).accepted = null;
}

/**
 * The path that a client most likely asks for. The lookup files of a flat suite start in the suite's folder; where the index itself starts at
 * the root, that folder is in them twice.
 */
export function poolPath(suite: string, named: string): string {
  return named.startsWith(`${suite}/${suite}/`) ? named.slice(suite.length + 1) : named;
}

interface Known {
  artifact: Artifact;
  /** What was accepted for the path when this was found out, and when that was. */
  accepted: string | undefined;
  epoch: number;
}

type PoolRoute = Extract<AptRoute, { path: string }>;
const artifactsOf = memo((_: AptRepository) => new WeakMap<PoolRoute, Known>());

/**
 * The artifact at a path of the pool. Known without a lookup once it was found, and for what is in the catalog. Throws
 * Problem("notFound") when no index that was fetched here names it.
 */
export async function poolArtifactAt(
  repository: AptRepository,
  route: PoolRoute,
): Promise<Artifact> {
  const accepted = await acceptedFiles(repository);
  const { path } = route;
  const wanted = accepted.get(path);
  const memory = artifactsOf(repository);
  const before = memory.get(route);
  // What was never changed under its name is the same in all generations.
  if (before && before.accepted === wanted && (!wanted || before.epoch === epochOf(repository)))
    return before.artifact;
  const epoch = epochOf(repository);
  const artifact = await locate(repository, path, accepted);
  memory.set(route, { artifact, accepted: wanted, epoch });
  return artifact;
}

async function locate(
  repository: AptRepository,
  path: string,
  accepted: Accepted,
): Promise<Artifact> {
  const name = packageOf(path);
  repository.refuseClaimed(name);
  if (!accepted.has(path)) {
    const known = await repository.known(name, path);
    if (known?.sha256) {
      const { version, sha256 } = known;
      const integrity = integrityFromHex("sha256", sha256)!;
      const entry = { sha256, integrity, package: name, version, architecture: "" };
      return poolArtifact(path, entry, null, accepted);
    }
  }
  const found = await findInIndices(repository, path, accepted.get(path)).catch(async (error) => {
    if (!(error instanceof Problem)) throw error;
    const loose = await looseArtifact(repository, path);
    if (!loose) throw error;
    return loose;
  });
  if (!("entry" in found)) return found;
  repository.refuseClaimed(found.entry.package);
  return poolArtifact(path, found.entry, found.origin, accepted);
}

interface FoundFile {
  entry: PoolEntry;
  origin: string | null;
}

async function findInIndices(
  repository: AptRepository,
  path: string,
  preferred: string | undefined,
): Promise<FoundFile> {
  const first = await search(repository, path, preferred);
  if (first.found) return first.found;
  // Indices fetched since, and releases that the upstream has since.
  const { away } = await refresh(repository);
  const second = await search(repository, path, preferred);
  if (second.found) return second.found;
  if (second.failure) throw second.failure;
  if (away)
    throw new Problem(
      away,
      `No index that is stored here names ${path}, and newer ones cannot be had now`,
    );
  throw new Problem(
    "notFound",
    `No index that was fetched through ${repository.name} names ${path}: nothing is fetched that cannot be verified. \`apt-get update\` fetches the indices`,
  );
}

/** Asks for the newest release of each suite. Returns why one of them cannot be had, or null. */
async function refresh(repository: AptRepository): Promise<{ away: ProblemKind | null }> {
  memoryOf(repository).stored.clear();
  let away: ProblemKind | null = null;
  for (const suite of [...(await knownSuites(repository)), ...wantingSuites(repository)]) {
    try {
      const { detail } = (await currentRelease(repository, suite)).cache;
      if (detail === "offline" || detail === "unreachable") away ??= detail;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (cannotAsk(error)) away ??= error.kind;
    }
  }
  return { away };
}

/** What a lookup file may call a path: see `poolPath`. */
export function namesOf(suite: string, path: string): string[] {
  const folder = poolFolder(suite);
  if (folder === suite && folder !== ".") return [path, inFolder(suite, path)];
  return [path];
}

/** All suites in their current release first, then in those before. An index that cannot be read hides nothing that others name. */
async function search(repository: AptRepository, path: string, preferred: string | undefined) {
  let other: FoundFile | null = null;
  let failure: Problem | null = null;
  for await (const lookup of fileLookups(repository)) {
    for (const named of namesOf(lookup.suite, path)) {
      try {
        const entry = await useLookup(repository, lookup, (file) => findFile(file, named));
        if (!entry) continue;
        const found = { entry, origin: lookup.release.origin };
        if (!preferred || digestOf(entry) === preferred) return { found, failure };
        other ??= found;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        failure ??= error;
      }
    }
  }
  return { found: other, failure };
}

/**
 * The indices stored here that name pool files, each once: those of the releases in service, then, unless `which` is "current", of the releases
 * remembered, newest first.
 */
export async function* fileLookups(
  repository: AptRepository,
  which: "current" | "all" = "all",
): AsyncGenerator<Lookup> {
  const seen = new Set<string>();
  const suites = [...(await knownSuites(repository))];
  for (const suite of suites) {
    const release = await releaseOf(repository, suite);
    if (release) yield* unseen(await lookupsOf(repository, suite, release), seen);
  }
  if (which === "current") return;
  for (const suite of suites)
    for (const { release } of await earlierReleases(repository, suite))
      yield* unseen(await lookupsOf(repository, suite, release), seen);
}

function* unseen(lookups: Lookup[], seen: Set<string>): Generator<Lookup> {
  for (const lookup of lookups) {
    const key = handleKey(lookup);
    if (seen.has(key)) continue;
    seen.add(key);
    yield lookup;
  }
}

async function releaseOf(repository: AptRepository, suite: string): Promise<Release | null> {
  try {
    return (await currentRelease(repository, suite, "stored")).generation.release;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

const namingPaths = memo((release: Release) =>
  [...release.files].filter(([path]) => namesFiles(path)),
);

/** The same index may be stored in several compressions: one of them is enough. */
async function lookupsOf(
  repository: AptRepository,
  suite: string,
  release: Release,
): Promise<Lookup[]> {
  const stored = await storedIndices(repository, suite);
  const byPlainPath = new Map<string, Lookup>();
  for (const [path, { sha256 }] of namingPaths(release)) {
    if (!stored.has(sha256) || /\.(bz2|lzma|lz4)$/.test(path)) continue;
    const plain = path.replace(/\.(xz|gz|zst)$/, "");
    if (!byPlainPath.has(plain)) byPlainPath.set(plain, { suite, release, path, sha256 });
  }
  return [...byPlainPath.values()];
}

function storedIndices(repository: AptRepository, suite: string): Promise<ReadonlySet<string>> {
  const { stored } = memoryOf(repository);
  let known = stored.get(suite);
  if (!known) {
    known = repository
      .stored(suite)
      .then(
        (rows) =>
          new Set(rows.filter(({ version }) => namesFiles(version)).map(({ sha256 }) => sha256)),
      );
    stored.set(suite, known);
    known.catch(() => stored.delete(suite));
  }
  return known;
}

/** To be called when an index of the suite was fetched. */
export function forgetIndices(repository: AptRepository, suite: string): void {
  memoryOf(repository).stored.delete(suite);
}

/** Reads the lookup file of an index, which is made when it is needed for the first time. */
export async function useLookup<T>(
  repository: AptRepository,
  lookup: Pick<Lookup, "sha256" | "path" | "suite">,
  use: (file: Derived) => Promise<T>,
): Promise<T> {
  const { handles } = memoryOf(repository);
  const key = handleKey(lookup);
  let handle = handles.get(key);
  if (!handle) {
    const derived = repository.derive("files", indexOptions(lookup), [lookup.sha256]);
    handle = { derived, users: 0, usedAt: 0 };
    handles.set(key, handle);
    closeSome(handles);
  }
  handle.users++;
  handle.usedAt = repository.now();
  try {
    return await use(await handle.derived);
  } catch (error) {
    // Its file may be gone: it is made again for the next one.
    if (handles.get(key) === handle) handles.delete(key);
    throw error;
  } finally {
    handle.users--;
    if (handle.users === 0 && handles.get(key) !== handle) close(handle);
  }
}

/** What tasks on an index need to be told of it. */
export function indexOptions({ path, suite }: Pick<Lookup, "path" | "suite">): {
  index: string;
  folder: string;
} {
  const folder = poolFolder(suite);
  return { index: path, folder: folder === "." ? "" : folder };
}

function handleKey(lookup: Pick<Lookup, "sha256" | "path" | "suite">): string {
  return `${lookup.sha256} ${poolFolder(lookup.suite)}`;
}

function closeSome(handles: Map<string, Handle>): void {
  if (handles.size <= HANDLES) return;
  const idle = [...handles].filter(([, { users }]) => users === 0);
  idle.sort(([, a], [, b]) => a.usedAt - b.usedAt);
  for (const [key, handle] of idle.slice(0, HANDLES / 4)) {
    handles.delete(key);
    close(handle);
  }
}

function close({ derived }: Handle): void {
  derived.then((file) => file.close()).catch(() => {}); // never opened: nothing to close
}
