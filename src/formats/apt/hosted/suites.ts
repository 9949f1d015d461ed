// The suites that are published here: what comes and goes at once is made one generation, which takes the place of the one before as a whole.
import { createHash } from "node:crypto";
import { Problem } from "../../../core/problem.ts";
import type { UnboundRepository } from "../../../core/repository.ts";
import type { AptOptions, HostedSuites } from "../options.ts";
import { createGather, type Gather } from "./gather.ts";
import { commitGeneration, composeGeneration } from "./generation.ts";
import { createPack } from "./pack.ts";
import { createPaths } from "./paths.ts";
import { createSigning, detached, type Keys, type Signing } from "./signing.ts";
import {
  type Edit,
  editedMembers,
  type GenerationMetadata,
  type Member,
  membersOf,
  type SuiteState,
  suiteFolder,
} from "./suite-state.ts";
import { noteLeft } from "./tidy.ts";

export interface Suites {
  readonly options: HostedSuites;
  readonly signing: Signing;
  /** Throws Problem("badRequest") that names those that there are. */
  check(suite: string): void;
  /** Resolves when clients see it: in a generation that holds what others edit at the same time as well. */
  edit(suite: string, edit: Edit): Promise<void>;
  /** See `Gather.coming`. What adds to a suite waits for it, and nothing else does. */
  coming: Gather["coming"];
  /** Sees to it that the release in service is of what is published now, and valid for a while. `suite` may be none of these. */
  refresh(suite: string): Promise<void>;
  /** Sees to it that each suite has a release, once. */
  begin(): Promise<void>;
  /** The Release.gpg of a generation: the same each time, as long as the keys are. */
  sign(suite: string, generation: string): Promise<string>;
  /** Paths of the packages that belong to a suite. */
  members(suite: string): Promise<readonly string[]>;
  /** Does something while no generation of the suite is made. */
  alone<T>(suite: string, work: () => Promise<T>): Promise<T>;
  /** All packages that suites can have, by their paths. */
  known(): Promise<ReadonlyMap<string, Member>>;
}

interface Waiting {
  edit: Edit;
  done: PromiseWithResolvers<void>;
}

/** Owned by the loop of one suite. */
interface Worked {
  waiting: Waiting[];
  isRunning: boolean;
  /** What is done alone, one after the other. */
  last: Promise<unknown>;
  /** `OwnHosting.turn` of what the release in service is made of. */
  turn: number;
  /** Until when it need not be made anew. */
  until: number;
  /** No release is made before, so that each has a Date, and a time on the disk, of its own: clients ask by seconds. */
  notBefore: number;
}

/** Another process publishes in the same suite. */
const ATTEMPTS = 5;
const SECOND = 1000;
/** Raised when the same packages become other indices. */
const COMPOSING = 2;

/** Null where nothing is published. `forget`: what was read of a suite's generations is no longer so. */
export function createSuites(
  unbound: UnboundRepository<AptOptions>,
  forget: (folder: string) => void,
): Suites | null {
  const { hosted: options } = unbound.options;
  if (!options) return null;
  return openSuites(unbound, options, forget);
}

function openSuites(
  unbound: UnboundRepository<AptOptions>,
  options: HostedSuites,
  forget: (folder: string) => void,
): Suites {
  const { name, now } = unbound;
  const signing = createSigning(unbound);
  const gather = createGather();
  const tools = { pathsOf: createPaths(unbound), pack: createPack(unbound) };
  const suites = new Map<string, Worked>(
    options.suites.map((suite) => [
      suite,
      {
        waiting: [],
        isRunning: false,
        last: Promise.resolve(),
        turn: -1,
        until: 0,
        notBefore: 0,
      },
    ]),
  );

  function check(suite: string): void {
    if (suites.has(suite)) return;
    throw new Problem(
      "badRequest",
      `${name} has no suite ${JSON.stringify(suite.slice(0, 80))}: it has ${options.suites.join(", ")}`,
    );
  }

  function edit(suite: string, change: Edit): Promise<void> {
    check(suite);
    const worked = suites.get(suite)!;
    const done = Promise.withResolvers<void>();
    worked.waiting.push({ edit: change, done });
    gather.stir();
    if (!worked.isRunning) void run(suite, worked);
    return done.promise;
  }

  async function run(suite: string, worked: Worked): Promise<void> {
    worked.isRunning = true;
    while (worked.waiting.length) {
      // Who comes meanwhile is of the same generation.
      await until(worked.notBefore);
      await gather.gathered(() => worked.waiting.some(({ edit }) => !edit.add));
      const all = worked.waiting.splice(0);
      try {
        const edits = all.map(({ edit }) => edit);
        const known = await alone(suite, () => make(suite, worked, edits));
        for (const { edit, done } of all) {
          const lost = edit.add?.find((path) => !known.has(path));
          if (lost === undefined) done.resolve();
          else
            done.reject(
              new Problem("conflict", `${lost} was removed meanwhile: it is to be published again`),
            );
        }
      } catch (error) {
        for (const { done } of all) done.reject(error);
      }
    }
    worked.isRunning = false;
  }

  async function until(time: number): Promise<void> {
    const wait = Math.min(time - now(), SECOND);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }

  function alone<T>(suite: string, work: () => Promise<T>): Promise<T> {
    const worked = suites.get(suite)!;
    const done = worked.last.then(work);
    worked.last = done.catch(() => {}); // told to who asked for it
    return done;
  }

  /** Returns what can be in suites, by path. */
  async function make(
    suite: string,
    worked: Worked,
    edits: Edit[],
  ): Promise<ReadonlyMap<string, Member>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await makeOnce(suite, worked, edits);
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== "conflict" || attempt === ATTEMPTS)
          throw error;
      }
    }
  }

  async function makeOnce(
    suite: string,
    worked: Worked,
    edits: Edit[],
  ): Promise<ReadonlyMap<string, Member>> {
    const own = unbound.own();
    const { hosting } = own;
    const folder = suiteFolder(suite);
    const turn = hosting.turn();
    const before = await hosting.read(folder);
    const state = before?.state as SuiteState | undefined;
    const known = membersOf(await hosting.all());
    const members = editedMembers(state?.members ?? [], edits, known, options.keep);
    const listed = members.flatMap((path) => known.get(path) ?? []);
    const keys = await signing.keys();
    const made = madeOf(listed, keys, members);
    const inService = before?.releases.find(({ version }) => version === state?.generation);
    const isOver = state !== undefined && dueAt(options, state.at) <= now();
    let isNew = false;
    if (!state || !inService || isOver || state.made !== made) {
      const files = new Set(before?.releases.flatMap((one) => one.files.map(({ file }) => file)));
      const why = edits.flatMap(({ why = [] }) => why);
      const at = dateAfter(state, now());
      const detail = { suite, members: members.length, ...(why.length && { why }) };
      const next = { suite, listed, members, keys, at, made, stored: files, detail };
      const generation = await composeGeneration(own, options, next, tools);
      // Whoever has an older list can still fetch what it names for a while.
      for (const path of state?.members ?? [])
        if (!members.includes(path)) await noteLeft(unbound, path);
      // Its Last-Modified shall be of another second than that of the one before, also after a restart.
      if (before) await until((Math.floor(before.changedAt / SECOND) + 1) * SECOND);
      await commitGeneration(own, next, generation, state?.generation ?? null);
      isNew = true;
      forget(folder);
      worked.until = dueAt(options, at);
      // The next one's Last-Modified shall be another second's.
      worked.notBefore = (Math.floor(now() / SECOND) + 1) * SECOND;
    } else worked.until = dueAt(options, state.at);
    // Its own publication is in it; what came meanwhile is not.
    worked.turn = turn + (isNew ? 1 : 0);
    return known;
  }

  function madeOf(listed: readonly Member[], keys: Keys, members: readonly string[]): string {
    const { suites: _, keep: __, grace: ___, key: ____, ...shown } = options;
    const parts = listed.map(({ file, sha256 }) => `${file} ${sha256}`);
    const all = [COMPOSING, JSON.stringify(shown), keys.id, members.length, ...parts];
    return createHash("sha256").update(all.join("\n")).digest("hex");
  }

  async function refresh(suite: string): Promise<void> {
    const worked = suites.get(suite);
    if (!worked) return;
    const { hosting } = unbound.own();
    if (worked.turn === hosting.turn() && now() < worked.until) return;
    try {
      await edit(suite, {});
    } catch (error) {
      // The disk is full, say: the release in service is better than none. Who publishes is told.
      const hasOne = error instanceof Problem && (await hosting.read(suiteFolder(suite)));
      if (!hasOne) throw error;
    }
  }

  let begun: Promise<void> | null = null;
  function begin(): Promise<void> {
    if (!begun) {
      const beginning = Promise.all([...suites.keys()].map(refresh)).then(() => {});
      begun = beginning;
      beginning.catch(() => {
        begun = null;
      });
    }
    return begun;
  }

  async function members(suite: string): Promise<readonly string[]> {
    const found = await unbound.own().hosting.read(suiteFolder(suite));
    return (found?.state as SuiteState | undefined)?.members ?? [];
  }

  async function sign(suite: string, generation: string): Promise<string> {
    const found = await unbound.own().hosting.read(suiteFolder(suite));
    const release = found?.releases.find(({ version }) => version === generation);
    if (!release) throw new Problem("notFound", `${name} has no such release of ${suite} any more`);
    const { text, at } = release.metadata as GenerationMetadata;
    return detached(text, await signing.keys(), at);
  }

  const known = async () => membersOf(await unbound.own().hosting.all());

  const { coming } = gather;
  return { options, signing, check, edit, coming, refresh, begin, sign, members, alone, known };
}

/** A clock that was put back makes no release that clients would take for an older one. */
function dateAfter(state: SuiteState | undefined, now: number): number {
  return Math.max(Math.floor(now / SECOND) * SECOND, (state?.at ?? 0) + SECOND);
}

function dueAt({ validFor }: HostedSuites, at: number): number {
  return validFor === undefined ? Number.POSITIVE_INFINITY : at + validFor / 2;
}
