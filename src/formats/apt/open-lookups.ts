// Lookup files in use: which ones there are for the indices stored here, made in the worker when first needed and kept open.

import { memo } from "../../core/memo.ts";
import { type Withholding, withholdingOf } from "../../core/policy.ts";
import { Problem } from "../../core/problem.ts";
import type { Derived } from "../../core/task.ts";
import { type Current, currentRelease, earlierReleases, knownSuites } from "./generations.ts";
import { indexArtifact } from "./index-artifact.ts";
import { formsOf, namesFiles, plainPath } from "./index-names.ts";
import { leftOutOf } from "./lookup-file.ts";
import type { AptRepository, LookupHandle, LookupMemory } from "./memory.ts";
import type { Release } from "./release.ts";
import { inFolder, poolFolder } from "./routes.ts";
import { heldBack } from "./young.ts";

/** A file that says which pool files one index names. */
export interface Lookup {
  suite: string;
  release: Release;
  /** Of the index, as the Release names it. */
  path: string;
  /** Why clients are not shown the release. */
  held?: Withholding;
}

const HANDLES = 256;

/** Nothing stays open: what is being read is closed by its last reader. */
export async function closeLookups(memory: LookupMemory): Promise<void> {
  memory.isClosed = true;
  const idle = [...memory.handles.values()].filter(({ users }) => users === 0);
  memory.handles.clear();
  await Promise.all(idle.map(close));
}

/**
 * The path that a client most likely asks for. The lookup files of a flat suite start in the suite's folder; where the index itself starts at
 * the root, that folder is in them twice.
 */
export function poolPath(suite: string, named: string): string {
  return named.startsWith(`${suite}/${suite}/`) ? named.slice(suite.length + 1) : named;
}

/** What a lookup file may call a path: see `poolPath`. */
export function namesOf(suite: string, path: string): string[] {
  const folder = poolFolder(suite);
  if (folder === suite && folder !== ".") return [path, inFolder(suite, path)];
  return [path];
}

/**
 * The indices stored here that name pool files, each once: those of the releases that clients are shown, then, unless `which` is "current", of the releases
 * remembered, newest first.
 */
export async function* fileLookups(
  repository: AptRepository,
  which: "current" | "all" = "all",
): AsyncGenerator<Lookup> {
  const seen = new Set<string>();
  const suites: { suite: string; rest: Remembered[] }[] = [];
  for (const suite of await knownSuites(repository)) {
    const [shown, ...rest] = await shownFirst(repository, suite);
    if (shown) yield* unseen(await lookupsOf(repository, suite, shown.release), seen);
    suites.push({ suite, rest: rest.flatMap((one) => one ?? []) });
  }
  if (which === "current") return;
  for (const { suite, rest } of suites)
    for (const { release, held } of rest) {
      const lookups = await lookupsOf(repository, suite, release);
      yield* unseen(held ? lookups.map((lookup) => ({ ...lookup, held })) : lookups, seen);
    }
}

function* unseen(lookups: Lookup[], seen: Set<string>): Generator<Lookup> {
  for (const lookup of lookups) {
    const key = handleKey(lookup);
    if (seen.has(key)) continue;
    seen.add(key);
    yield lookup;
  }
}

interface Remembered {
  release: Release;
  held?: Withholding;
}

/** What clients are shown, and then the others, newest first. */
async function shownFirst(
  repository: AptRepository,
  suite: string,
): Promise<(Remembered | null)[]> {
  const earlier = async () => [...(await earlierReleases(repository, suite))];
  let current: Current;
  try {
    current = await currentRelease(repository, suite, "stored");
  } catch (error) {
    // Without one that can be read, those before tell all the same.
    if (error instanceof Problem) return [null, ...(await earlier())];
    throw error;
  }
  const all = [current.generation, ...(await earlier())];
  const shown = await heldBack(repository, suite, current);
  if (!shown) return all;
  const withheld = await repository.withheld(suite, current.generation.id);
  const others = all.filter(({ id }) => id !== shown.generation.id);
  return [
    shown.generation,
    ...others.map(({ id, release }) => {
      const held = withholdingOf(withheld, id);
      return held ? { release, held } : { release };
    }),
  ];
}

const namingPaths = memo((release: Release) =>
  [...release.files].filter(([path]) => namesFiles(path)),
);

/** The same index may be stored in several compressions. */
async function lookupsOf(
  repository: AptRepository,
  suite: string,
  release: Release,
): Promise<Lookup[]> {
  const stored = await storedIndices(repository, suite);
  const byPlainPath = new Map<string, Lookup>();
  for (const [path, { hash }] of namingPaths(release)) {
    const plain = plainPath(path);
    if (!stored.has(hash) || byPlainPath.has(plain)) continue;
    const isStored = (form: string) => stored.has(release.files.get(form)!.hash);
    // The one that is read soonest.
    const form = formsOf(release, plain).find(isStored) ?? path;
    byPlainPath.set(plain, { suite, release, path: form });
  }
  return [...byPlainPath.values()];
}

function storedIndices(repository: AptRepository, suite: string): Promise<ReadonlySet<string>> {
  const { stored } = repository.memory.lookups;
  let known = stored.get(suite);
  if (!known) {
    known = repository
      .stored(suite)
      .then(
        (rows) =>
          new Set(rows.filter(({ version }) => namesFiles(version)).map(({ file }) => file)),
      );
    stored.set(suite, known);
    known.catch(() => stored.delete(suite));
  }
  return known;
}

/** To be called when an index of the suite, or of any, was fetched. */
export function forgetIndices(repository: AptRepository, suite?: string): void {
  const { stored } = repository.memory.lookups;
  if (suite === undefined) stored.clear();
  else stored.delete(suite);
}

/** Reads the lookup file of an index, which is made when it is needed for the first time. */
export async function useLookup<T>(
  repository: AptRepository,
  lookup: Lookup,
  use: (file: Derived) => Promise<T>,
): Promise<T> {
  const { handles, isClosed } = repository.memory.lookups;
  const key = handleKey(lookup);
  let handle = handles.get(key);
  if (!handle) {
    const derived = makeLookup(repository, lookup);
    handle = { derived, users: 0, usedAt: 0 };
    if (!isClosed) handles.set(key, handle);
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

async function makeLookup(repository: AptRepository, lookup: Lookup): Promise<Derived> {
  const { suite, release, path } = lookup;
  const { sha256 } = await repository.fetch(indexArtifact(suite, release, path));
  const file = await repository.derive("files", indexOptions(lookup), [sha256]);
  await tellLeftOut(repository, lookup, file);
  return file;
}

/** Once for each index: who asks for what is missing shall find out why it is. */
async function tellLeftOut(
  repository: AptRepository,
  { suite, release, path }: Lookup,
  file: Derived,
): Promise<void> {
  const leftOut = await leftOutOf(file);
  if (!leftOut) return;
  const { hash } = release.files.get(path)!;
  const key = `skipped/${inFolder(suite, plainPath(path))}`;
  const told = await repository.kept(key);
  if (told && Buffer.from(told.bytes).toString() === hash) return;
  await repository.keep(key, Buffer.from(hash));
  const { count, entries } = leftOut;
  const [first] = entries;
  repository.report({
    kind: "skipped",
    package: suite,
    file: path,
    message: `${path} of ${suite} has ${count === 1 ? "an entry that cannot be used and is" : `${count} entries that cannot be used and are`} left out: ${first!.what}: ${first!.why}`,
    detail: { count, entries },
  });
}

/** Makes the lookup file of an index, behind, so that nobody waits for it. */
export function prepareLookup(repository: AptRepository, lookup: Lookup): void {
  useLookup(repository, lookup, async () => {}).catch(() => {}); // who needs it is told why it cannot be made
}

/** What tasks on an index need to be told of it. */
export function indexOptions({ path, suite }: Pick<Lookup, "path" | "suite">): {
  index: string;
  folder: string;
} {
  const folder = poolFolder(suite);
  return { index: path, folder: folder === "." ? "" : folder };
}

function handleKey({ suite, release, path }: Lookup): string {
  return `${release.files.get(path)!.hash} ${poolFolder(suite)}`;
}

function closeSome(handles: Map<string, LookupHandle>): void {
  if (handles.size <= HANDLES) return;
  const idle = [...handles].filter(([, { users }]) => users === 0);
  idle.sort(([, a], [, b]) => a.usedAt - b.usedAt);
  for (const [key, handle] of idle.slice(0, HANDLES / 4)) {
    handles.delete(key);
    close(handle);
  }
}

async function close({ derived }: LookupHandle): Promise<void> {
  await derived.then((file) => file.close()).catch(() => {}); // never opened: nothing to close
}
