// The suites that are published here: what comes and goes at once is made one generation, which takes the place of the one before as a whole.
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { Problem } from "../../../core/problem.ts";
import type { OwnedRepository, UnboundRepository } from "../../../core/repository.ts";
import { releaseId } from "../documents.ts";
import type { AptOptions, HostedSuites } from "../options.ts";
import { composeIndices, type MadeIndex } from "./compose.ts";
import { releaseText } from "./release.ts";
import { clearSigned, createSigning, detached, type Keys, type Signing } from "./signing.ts";
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
  /** Sees to it that the release in service is of what is published now, and valid for a while. `suite` may be none of these. */
  refresh(suite: string): Promise<void>;
  /** The Release.gpg of a generation: the same each time, as long as the keys are. */
  sign(suite: string, generation: string): Promise<string>;
  /** Paths of the packages that belong to a suite. */
  members(suite: string): Promise<readonly string[]>;
  /** All packages that suites can have, by their paths. */
  known(): Promise<ReadonlyMap<string, Member>>;
}

interface Waiting {
  edit: Edit;
  done: PromiseWithResolvers<void>;
}

interface Wanted {
  made: string;
  members: string[];
  /** Of the indices that are stored. */
  files: ReadonlySet<string>;
  why: readonly string[];
}

interface Committed {
  text: string;
  state: SuiteState;
  /** The generation that it takes the place of. */
  expected: string | null;
  /** For the audit log. */
  detail: Record<string, unknown>;
}

/** Owned by the loop of one suite. */
interface Worked {
  waiting: Waiting[];
  isRunning: boolean;
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
const COMPOSING = 1;

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
  const suites = new Map<string, Worked>(
    options.suites.map((suite) => [
      suite,
      { waiting: [], isRunning: false, turn: -1, until: 0, notBefore: 0 },
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
    if (!worked.isRunning) void run(suite, worked);
    return done.promise;
  }

  async function run(suite: string, worked: Worked): Promise<void> {
    worked.isRunning = true;
    while (worked.waiting.length) {
      // Who comes meanwhile is of the same generation.
      await until(worked.notBefore);
      const all = worked.waiting.splice(0);
      try {
        await make(
          suite,
          worked,
          all.map(({ edit }) => edit),
        );
        for (const { done } of all) done.resolve();
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

  async function make(suite: string, worked: Worked, edits: Edit[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await makeOnce(suite, worked, edits);
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== "conflict" || attempt === ATTEMPTS)
          throw error;
      }
    }
  }

  async function makeOnce(suite: string, worked: Worked, edits: Edit[]): Promise<void> {
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
      const next = await compose(own, suite, listed, keys, { made, members, files, why });
      // Whoever has an older list can still fetch what it names for a while.
      for (const path of state?.members ?? [])
        if (!members.includes(path)) await noteLeft(unbound, path);
      await next.commit(state?.generation ?? null);
      isNew = true;
      forget(folder);
      worked.until = dueAt(options, next.at);
      // The next one's Last-Modified shall be another second's.
      worked.notBefore = (Math.floor(now() / SECOND) + 1) * SECOND;
    } else worked.until = dueAt(options, state.at);
    // Its own publication is in it; what came meanwhile is not.
    worked.turn = turn + (isNew ? 1 : 0);
  }

  function madeOf(listed: readonly Member[], keys: Keys, members: readonly string[]): string {
    const { suites: _, keep: __, grace: ___, key: ____, ...shown } = options;
    const parts = listed.map(({ file, sha256 }) => `${file} ${sha256}`);
    const all = [COMPOSING, JSON.stringify(shown), keys.id, members.length, ...parts];
    return createHash("sha256").update(all.join("\n")).digest("hex");
  }

  /** Everything of a generation but its being in service. */
  async function compose(
    own: OwnedRepository<AptOptions>,
    suite: string,
    listed: readonly Member[],
    keys: Keys,
    { made, members, files, why }: Wanted,
  ) {
    const indices = await composeIndices(options, listed, (member) => pathsOf(own, member));
    const at = Math.floor(now() / SECOND) * SECOND;
    const text = releaseText(suite, name, options, indices, at);
    const inrelease = await clearSigned(text, keys, at);
    const id = releaseId(text);
    const state: SuiteState = { generation: id, inrelease, at, made, members };
    const detail = { suite, members: members.length, ...(why.length && { why }) };
    const commit = (expected: string | null) =>
      put(own, suite, indices, files, { text, state, expected, detail });
    return { at, commit };
  }

  async function put(
    { hosting }: OwnedRepository<AptOptions>,
    suite: string,
    indices: readonly MadeIndex[],
    known: ReadonlySet<string>,
    { text, state, expected, detail }: Committed,
  ): Promise<void> {
    const folder = suiteFolder(suite);
    const uploads = [];
    try {
      const files = new Map<string, MadeIndex & { bytes: Uint8Array }>();
      for (const { bytes, ...index } of indices)
        if (bytes && !known.has(index.sha256)) files.set(index.sha256, { ...index, bytes });
      const made = [];
      for (const { path, sha256, bytes } of files.values()) {
        const upload = await hosting.receive(folder, once(bytes), bytes.length);
        uploads.push(upload);
        const file = sha256;
        const purl = `pkg:generic/${encodeURIComponent(name)}/${folder}/${path}?checksum=sha256:${sha256}`;
        made.push({ file, kind: "index", purl, path: `/${folder}/${path}`, upload, metadata: {} });
      }
      const metadata: GenerationMetadata = { text, at: state.at };
      await hosting.publish({
        package: folder,
        version: state.generation,
        metadata,
        files: made,
        state(before) {
          const { generation = null } = before as Partial<SuiteState>;
          if (generation !== expected)
            throw new Problem("conflict", `${suite} of ${name} was published anew meanwhile`);
          return { ...state };
        },
        detail,
      });
    } finally {
      for (const upload of uploads) await upload.discard();
    }
  }

  /** Read of each package once, in the worker. */
  async function pathsOf(own: OwnedRepository<AptOptions>, member: Member): Promise<string[]> {
    const key = `hosted/paths/${member.sha256}`;
    const kept = await own.kept(key);
    if (kept?.bytes.length) return JSON.parse(gunzipSync(kept.bytes).toString());
    const paths = await own
      .work<string[]>("paths", { what: member.file }, [member.sha256])
      .catch((error) => {
        // A package whose files cannot be read is installed by nobody, and no reason to publish nothing else.
        if (error instanceof Problem && ["badRequest", "malformed"].includes(error.kind)) return [];
        throw error;
      });
    await own.keep(key, gzipSync(JSON.stringify(paths)), { evictable: true });
    return paths;
  }

  async function refresh(suite: string): Promise<void> {
    const worked = suites.get(suite);
    if (!worked) return;
    if (worked.turn === unbound.own().hosting.turn() && now() < worked.until) return;
    await edit(suite, {});
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

  return { options, signing, check, edit, refresh, sign, members, known };
}

function dueAt({ validFor }: HostedSuites, at: number): number {
  return validFor === undefined ? Number.POSITIVE_INFINITY : at + validFor / 2;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
