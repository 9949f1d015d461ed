// Which release of a suite counts, which ones came before it, and the artifacts that its indices are.

import { promisify } from "node:util";
import { gunzipSync, gzip } from "node:zlib";
import { withholdingOf } from "../../core/policy.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { CacheStatus } from "../../core/reply.ts";
import type { Modelled } from "../../core/repository.ts";
import {
  type Generation,
  generationOf,
  type ReleaseKind,
  releaseId,
  releaseRef,
  textIn,
} from "./documents.ts";
import { type GenerationMetadata, type SuiteState, suiteFolder } from "./hosted/suite-state.ts";
import type { AptRepository } from "./memory.ts";
import { refusePrivateSuite } from "./private-names.ts";
import { isOlder } from "./release.ts";

const gzipBeside = promisify<string, Uint8Array>(gzip);

export type Which = "fresh" | "stored" | "now";

/** The release in service. */
export interface Current {
  /** The document that it comes from. */
  kind: ReleaseKind;
  generation: Generation;
  changedAt: number;
  cache: CacheStatus;
}

const WANTING = 50;

/** Suites without a stored release that clients asked for in vain: not because there is none, but because none could be had. */
export function wantingSuites(repository: AptRepository): ReadonlySet<string> {
  return repository.memory.releases.wanting;
}

/** Another number for each release that was seen in service. */
export function epochOf(repository: AptRepository): number {
  return repository.memory.releases.epoch;
}

function storedReleases(repository: AptRepository): Promise<Record<ReleaseKind, Set<string>>> {
  const memory = repository.memory.releases;
  const { hosted } = repository.options;
  if (!memory.stored && hosted) {
    const inrelease = new Set(hosted.suites.map(suiteFolder));
    memory.stored = Promise.resolve({ inrelease, release: new Set() });
  }
  if (!memory.stored) {
    const all = (kind: ReleaseKind) => repository.documents(kind, "", Number.MAX_SAFE_INTEGER);
    const read = Promise.all([all("inrelease"), all("release")]).then(([inrelease, release]) => ({
      inrelease: new Set(inrelease),
      release: new Set(release),
    }));
    memory.stored = read;
    read.catch(() => {
      memory.stored = null;
    });
  }
  return memory.stored;
}

/** Suite folders with a stored release, in no order. "." is the root. */
export async function knownSuites(repository: AptRepository): Promise<ReadonlySet<string>> {
  const { inrelease, release } = await storedReleases(repository);
  return release.size ? new Set([...inrelease, ...release]) : inrelease;
}

/**
 * The release in service of a suite folder ("dists/bookworm"; "." for the root): of its InRelease, or of its Release where the upstream
 * has no InRelease, or no longer has one and a Release that is not older. `which` as in `Repository.model`. Throws a Problem: "notFound"
 * when the upstream has neither.
 */
export async function currentRelease(
  repository: AptRepository,
  suite: string,
  which: Which = "fresh",
): Promise<Current> {
  const { inrelease, release } = await storedReleases(repository);
  if (repository.suites && !inrelease.has(suite))
    throw new Problem("notFound", `${repository.name} has no suite in ${suite}`);
  if (!inrelease.has(suite) && release.has(suite) && which !== "now") {
    // That there is no InRelease is not remembered for long, and nobody waits for an upstream to say it again.
    if (which === "fresh") find(repository, "inrelease", suite, which).catch(() => {});
    return find(repository, "release", suite, which);
  }
  let first: Current;
  try {
    first = await find(repository, "inrelease", suite, which);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.kind === "notFound") return await find(repository, "release", suite, which);
    if (error.kind !== "refused") throw error;
    // Object stores say 403 of what is not there; apt then asks for the Release too.
    return await find(repository, "release", suite, which).catch((second) => {
      throw second instanceof Problem && second.kind === "notFound" ? error : second;
    });
  }
  if (!(await isDropped(repository, suite, first.cache))) return first;
  try {
    const second = await find(repository, "release", suite, which);
    if (!isOlder(second.generation.release, first.generation.release)) return second;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return first;
}

/** The last ones that were asked for: each costs the upstream questions whenever a file is looked for that no index names. */
function note(wanting: Set<string>, suite: string, error: unknown): void {
  wanting.delete(suite);
  if (!cannotAsk(error)) return;
  wanting.add(suite);
  if (wanting.size > WANTING) wanting.delete(wanting.values().next().value!);
}

async function find(
  repository: AptRepository,
  kind: ReleaseKind,
  suite: string,
  which: Which,
): Promise<Current> {
  refusePrivateSuite(repository, suite);
  const memory = repository.memory.releases;
  let known: Modelled<Generation>;
  try {
    known = await repository.model<Generation>(releaseRef(kind, suite), which);
  } catch (error) {
    note(memory.wanting, suite, error);
    throw error;
  }
  memory.wanting.delete(suite);
  (await storedReleases(repository))[kind].add(suite);
  const place = `${kind} ${suite}`;
  if (memory.seen.get(place) !== known.model.id) {
    memory.seen.set(place, known.model.id);
    memory.epoch++;
  }
  return { kind, generation: known.model, changedAt: known.changedAt, cache: known.cache };
}

/** apt prefers an InRelease that is there, so one that the upstream gave up must not outlive the Release that took its place. */
async function isDropped(
  repository: AptRepository,
  suite: string,
  { fwdStatus }: CacheStatus,
): Promise<boolean> {
  const { dropped } = repository.memory.releases;
  const key = `dropped/${suite}`;
  let known = dropped.get(suite);
  if (!known) {
    known = repository.kept(key).then((found) => Boolean(found?.bytes.length));
    dropped.set(suite, known);
    known.catch(() => dropped.delete(suite));
  }
  const before = await known;
  const now = fwdStatus === undefined ? before : fwdStatus === 404 || fwdStatus === 410;
  if (now !== before) {
    dropped.set(suite, Promise.resolve(now));
    await repository.keep(key, Buffer.from(now ? "1" : ""));
  }
  return now;
}

/** The releases before the one in service that are remembered, newest first. */
export function earlierReleases(repository: AptRepository, suite: string): Promise<Generation[]> {
  const { kept } = repository.memory.releases;
  let found = kept.get(suite);
  if (!found) {
    found = repository.suites ? loadPublished(repository, suite) : load(repository, suite);
    kept.set(suite, found);
    found.catch(() => kept.delete(suite));
  }
  return found;
}

/** By slot: a slot's place in the store is used again, so that nothing is left behind. */
interface Slot {
  id: string;
  slot: number;
}

const listKey = (suite: string) => `generations/${suite}`;
const slotKey = (suite: string, slot: number) => `generation/${slot}/${suite}`;
/** The InRelease that a release came in. */
const signedKey = (suite: string, slot: number) => `inrelease/${slot}/${suite}`;
/** Of those that a rule holds, so that each may come of age: they are kept beside the usual number. */
const HELD_MOST = 100;

async function slots(repository: AptRepository, suite: string): Promise<Slot[]> {
  const found = await repository.kept(listKey(suite));
  return found ? JSON.parse(Buffer.from(found.bytes).toString()) : [];
}

async function load(repository: AptRepository, suite: string): Promise<Generation[]> {
  const found: Generation[] = [];
  for (const { id, slot } of await slots(repository, suite)) {
    const kept = await repository.kept(slotKey(suite, slot));
    if (!kept?.bytes.length) continue;
    const generation = generationOf(gunzipSync(kept.bytes).toString());
    // A crash between the text and the list leaves another text in the slot.
    if (generation.id === id) found.push(generation);
  }
  return found;
}

/** Of a suite that is published here: its releases are in the catalog, each with its text. */
async function loadPublished(repository: AptRepository, suite: string): Promise<Generation[]> {
  const found = await repository.hosting.read(suite);
  if (!found) return [];
  const { generation } = found.state as unknown as SuiteState;
  return [...found.releases]
    .reverse()
    .filter(({ version }) => version !== generation)
    .map(({ metadata }) => generationOf((metadata as GenerationMetadata).text));
}

/** The text of a release before; null when it was not kept. */
export async function earlierText(
  repository: AptRepository,
  suite: string,
  id: string,
): Promise<string | null> {
  const found = (await slots(repository, suite)).find((slot) => slot.id === id);
  const kept = found && (await repository.kept(slotKey(suite, found.slot)));
  const text = kept?.bytes.length ? gunzipSync(kept.bytes).toString() : null;
  return text !== null && releaseId(text) === id ? text : null;
}

/** The InRelease of a release before, as it was signed; null when it came in none, or none was kept. */
export async function earlierInRelease(
  repository: AptRepository,
  suite: string,
  id: string,
): Promise<string | null> {
  const found = (await slots(repository, suite)).find((slot) => slot.id === id);
  const kept = found && (await repository.kept(signedKey(suite, found.slot)));
  if (!kept?.bytes.length) return null;
  const inRelease = gunzipSync(kept.bytes).toString();
  return releaseId(textIn("inrelease", inRelease)) === id ? inRelease : null;
}

/** Remembers the text of a release that another one takes the place of, and the InRelease that it came in; null when it came in none. */
export async function keepRelease(
  repository: AptRepository,
  suite: string,
  text: string,
  inRelease: string | null = null,
): Promise<void> {
  const id = releaseId(text);
  const before = (await slots(repository, suite)).filter((slot) => slot.id !== id);
  const held = await repository.withheld(suite, id);
  const usual = repository.options.generations - 1;
  // Those that are held, and the one that clients get meanwhile.
  const shown = before.findIndex((slot) => !withholdingOf(held, slot.id));
  const wanted = Math.min(HELD_MOST, shown < 0 ? before.length : shown + 1);
  const rest = before.slice(0, Object.keys(held).length > 0 ? Math.max(usual, wanted) : usual);
  const taken = new Set(rest.map(({ slot }) => slot));
  let slot = 0;
  while (taken.has(slot)) slot++;
  await repository.keep(slotKey(suite, slot), await gzipBeside(text));
  const signed = inRelease === null ? new Uint8Array(0) : await gzipBeside(inRelease);
  await repository.keep(signedKey(suite, slot), signed);
  for (const gone of before.slice(rest.length))
    if (gone.slot !== slot) {
      await repository.keep(slotKey(suite, gone.slot), new Uint8Array(0));
      await repository.keep(signedKey(suite, gone.slot), new Uint8Array(0));
    }
  const list: Slot[] = [{ id, slot }, ...rest];
  await repository.keep(listKey(suite), Buffer.from(JSON.stringify(list)));
  repository.memory.releases.kept.delete(suite);
}
