// A server that follows another one: goes on with its log, and hears who may read what and what is withheld.
import { NO_REPOSITORY } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import type { Events } from "../ledger/events.ts";
import { breathe } from "../ledger/fact-rows.ts";
import { FULL } from "../proof/tile.ts";
import type { Database, Query } from "../store/database.ts";
import type { LogFiles } from "../store/log-files.ts";
import { Forked, type Mirror, openMirror } from "./mirror.ts";
import {
  askState,
  askWithheld,
  type Primary,
  type PrimaryAccess,
  type PrimaryState,
} from "./primary.ts";
import {
  type Cut,
  countWanted,
  forgetFollowed,
  forgetHistory,
  type JudgedPackage,
  readCut,
  readFollowed,
  readJudged,
  readPinned,
  readRevision,
  readUnasked,
  want,
  wantDocuments,
  writeCut,
  writeFollowed,
  writeRevision,
  writeVerdicts,
} from "./rows.ts";
import { type TakeDeps, type Taken, takeLeaves } from "./take.ts";

export interface FollowDeps extends TakeDeps {
  /** Nothing more is taken in once it is aborted. */
  signal: AbortSignal;
  /** For people: its host. */
  host: string;
  primary: Primary;
  /** Of the primary's log. */
  key: string;
  files: LogFiles;
  database: Database;
  events: Pick<Events, "store" | "announce">;
  log: Log;
  /** For how long it holds who may read what, without a word of the primary; null for good. Milliseconds. */
  accessForMs: number | null;
  /** Takes over who may read what, with `also` in the same transaction. */
  takeAccess(
    access: Omit<PrimaryAccess, "rules">,
    also: (sql: Query) => Promise<void>,
  ): Promise<void>;
  /** Who may read may be others from now on. */
  accessChanged(): void;
  /** What is withheld of these packages is something else from now on. */
  judged(packages: readonly Pick<JudgedPackage, "repository" | "package">[]): void;
  /** Pins of these were taken back: their bytes are to go. */
  remove(files: Taken["removed"]): Promise<void>;
}

/** How the following goes. Times are milliseconds since the epoch. */
export interface FollowState {
  host: string;
  /** Leaves of the primary's log, as far as it was heard; and how many of them were taken in. */
  leaves: number;
  taken: number;
  /** Files, and packages whose documents changed, that are still to be brought. */
  wanted: number;
  /** Since when the primary cannot be asked; null while it can. */
  cutSince: number | null;
  /** Why it cannot. */
  why: string;
  /** It answers, and does not take this server's token: no outage, and nothing that ends by itself. */
  isRefused: boolean;
  /** When all that it said was last known to be taken in; null for never. */
  currentAt: number | null;
  /** Why it is not gone on with: the primary showed another history. Null where it is. */
  fault: string | null;
  /** When it was last said who may read what; null for never. */
  heardAt: number | null;
}

export interface Following {
  /** The copy of the primary's log. */
  readonly mirror: Mirror;
  /** Goes on with the log, and takes in what is new. Never throws but for a bug. */
  goOn(): Promise<void>;
  /** Hears who may read what, what is withheld and what was published. Never throws but for a bug. */
  hear(): Promise<void>;
  /** Takes the primary's history as it is now, from its first leaf. Pins of here stay: what contradicts one is told. */
  beginAnew(by: string, reason: string): Promise<void>;
  state(): FollowState;
  /** What the primary blocks and holds, of packages that are pinned there. */
  judgements(): readonly JudgedPackage[];
  /** Why nobody is known by their credentials; null where they are. */
  shut(): string | null;
  /** Who may read, beside what is stored: what the primary's configuration says. */
  rules(): PrimaryAccess["rules"];
  /** Counts what is still to be brought. */
  count(): Promise<void>;
}

const NOBODY: PrimaryAccess["rules"] = { anonymous: [], teams: {}, grants: [] };
/** How often it is written down when the primary was last heard. */
const NOTED_MS = 60_000;
/** Packages that are asked about at once. */
const ASKED = 200;
/** All is asked again after so long, whatever was heard: what is known of a release can change by itself. */
const AGAIN_MS = 60 * 60_000;

export async function openFollowing(deps: FollowDeps): Promise<Following> {
  const { database, primary, events, log, host, now, key } = deps;
  const read = (name: Parameters<typeof readFollowed>[1]) => readFollowed(database.read, name);
  if ((await read("key")) !== key)
    await database.write(async (sql) => {
      await forgetFollowed(sql);
      await writeFollowed(sql, "key", key);
    });
  const mirror = await openMirror({
    files: deps.files,
    key,
    proven: await read("proven"),
    prove: (note) => database.write((sql) => writeFollowed(sql, "proven", note), { durable: true }),
  });
  const stored = await read("access");
  const known: { stamp: string; rules: PrimaryAccess["rules"] } =
    stored === null ? { stamp: "", rules: NOBODY } : JSON.parse(stored);
  let { stamp, rules } = known;
  let heardAt = numberOf(await read("heard"));
  let notedAt = heardAt ?? 0;
  let cursor = (await read("cursor")) ?? "";
  let taken = numberOf(await read("taken")) ?? 0;
  let judgements = await readJudged(database.read);
  let wanted = await countWanted(database.read);
  let fault = await read("fault");
  let leaves = taken;
  let noWay: Cut | null = await readCut(database.read);
  let currentAt = numberOf(await read("current"));
  let currentNotedAt = currentAt ?? 0;
  let wasShut = shut() !== null;

  function shut(): string | null {
    if (heardAt === null) return `${host} has not said yet who may read what`;
    if (deps.accessForMs === null) return null;
    const age = now() - heardAt;
    // A time yet to come was noted before the clock was put back: how long ago that was nobody knows.
    if (age <= deps.accessForMs && age >= -NOTED_MS) return null;
    return `${host} was last heard on ${new Date(heardAt).toISOString().slice(0, 16)}Z, which is too long ago to let anybody in by what it said then (follow.accessFor)`;
  }

  /** Whoever was let in is looked at anew when that ends, or begins. */
  function look(): void {
    const isShut = shut() !== null;
    if (isShut !== wasShut) deps.accessChanged();
    wasShut = isShut;
  }

  async function reached(): Promise<void> {
    if (noWay === null) return;
    log.write("info", `${host}, which is followed, can be asked again`);
    noWay = null;
    await database.write((sql) => writeCut(sql, null));
  }

  async function cut({ kind, message }: Problem): Promise<void> {
    const isRefused = kind === "unauthenticated" || kind === "forbidden";
    const isNew = noWay === null || noWay.isRefused !== isRefused;
    noWay = { since: noWay?.since ?? now(), why: message, isRefused };
    if (!isNew) return;
    log.write(
      "warn",
      isRefused
        ? `${message}. It is followed no further until it takes the token (follow); what is here is served`
        : `${host}, which is followed, cannot be asked: ${message}`,
    );
    const [last, at] = [noWay, currentAt];
    await database.write(async (sql) => {
      await writeCut(sql, last);
      if (at !== null) await writeFollowed(sql, "current", String(at));
    });
  }

  /** Written down now and then, so that who starts again knows how old all is. */
  async function noteCurrent(): Promise<void> {
    const at = now();
    currentAt = at;
    if (at - currentNotedAt < NOTED_MS && at >= currentNotedAt) return;
    currentNotedAt = at;
    await database.write((sql) => writeFollowed(sql, "current", String(at)));
  }

  async function halt({ kind, message }: Forked): Promise<void> {
    const told = `${host} is not gone on with, ${message}`;
    if (fault === told) return;
    fault = told;
    const event = {
      kind,
      package: "",
      message: `The primary shows another history: ${told}. It was put back to an older copy, or something else answers in its name; what is here is served as it was. Where it was put back on purpose, docs/follower.md tells how to begin anew`,
      detail: { host, leaves: mirror.size() },
    };
    await database.write(async (sql) => {
      await writeFollowed(sql, "fault", told);
      await events.store(sql, NO_REPOSITORY, event);
    });
    events.announce(NO_REPOSITORY, event);
    look();
  }

  /** The log is gone on with by one at a time. */
  let turn: Promise<unknown> = Promise.resolve();
  function alone(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  async function beginAnew(by: string, reason: string): Promise<void> {
    const event = {
      kind: "history-accepted" as const,
      package: "",
      message: `${by} took the history of ${host} as it is now, from its first leaf: ${reason}`,
      detail: { by, reason, host, leaves: mirror.size() },
    };
    await database.write(async (sql) => {
      await forgetHistory(sql);
      await events.store(sql, NO_REPOSITORY, event);
    });
    events.announce(NO_REPOSITORY, event);
    mirror.forget();
    [taken, leaves, fault, cursor, currentAt, currentNotedAt] = [0, 0, null, "", null, 0];
  }

  async function goOn(): Promise<void> {
    try {
      leaves = await mirror.advance(primary.read);
    } catch (error) {
      if (error instanceof Forked) {
        await reached();
        return halt(error);
      }
      if (!(error instanceof Problem)) throw error;
      return cut(error);
    }
    // Whether the token is taken is told by what needs it.
    if (!noWay?.isRefused) await reached();
    if (fault !== null) {
      fault = null;
      await database.write((sql) => sql`DELETE FROM followed_state WHERE name = 'fault'`);
      log.write("info", `${host} goes on from where it was before: it is followed again`);
      look();
    }
    await take();
    if (taken === mirror.size() && !noWay) await noteCurrent();
  }

  async function take(): Promise<void> {
    while (taken < mirror.size() && !deps.signal.aborted) {
      const bundle = Math.floor(taken / FULL);
      const entries = (await mirror.entries(bundle)).slice(taken - bundle * FULL);
      const next = taken + entries.length;
      const done = await database.write(async (sql) => {
        const found = await takeLeaves(sql, entries, taken, deps);
        for (const { repository, event } of found.events)
          await events.store(sql, repository, event);
        await writeFollowed(sql, "taken", String(next));
        return found;
      });
      taken = next;
      for (const { repository, event } of done.events) events.announce(repository, event);
      if (done.removed.length > 0) await deps.remove(done.removed);
      await breathe();
    }
    await count();
  }

  async function count(): Promise<void> {
    wanted = await countWanted(database.read);
  }

  async function hear(): Promise<void> {
    if (fault === null)
      try {
        const state = await askState(primary, { access: stamp, cursor });
        await reached();
        await takeState(state);
        await judge(state.policy);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        await cut(error);
      }
    look();
  }

  async function takeState(state: Awaited<ReturnType<typeof askState>>): Promise<void> {
    const at = now();
    const isToBeNoted = at - notedAt >= NOTED_MS || at < notedAt;
    const note = (sql: Query) => writeFollowed(sql, "heard", String(at));
    if (state.accessNow) {
      const { rules: said, ...access } = state.accessNow;
      await deps.takeAccess(access, async (sql) => {
        await writeFollowed(sql, "access", JSON.stringify({ stamp: state.access, rules: said }));
        await note(sql);
      });
      [stamp, rules, heardAt, notedAt] = [state.access, said, at, at];
      deps.accessChanged();
    } else if (isToBeNoted) {
      await database.write(note);
      notedAt = at;
    }
    heardAt = at;
    for (const one of state.published) await takePublished(one);
    if (state.cursor === cursor) return;
    await database.write((sql) => writeFollowed(sql, "cursor", state.cursor));
    cursor = state.cursor;
  }

  /** What was published there and is not there any more is not here either; what names the files is brought anew. */
  async function takePublished(one: PrimaryState["published"][number]): Promise<void> {
    const { repository, package: name, files, revision } = one;
    const wished = deps.repository(repository);
    if (!wished) return;
    // They only rise: an older one is told again, or by a primary that was put back, which its log will tell.
    if (((await readRevision(database.read, repository, name)) ?? -1) >= revision) return;
    const there = new Set(files);
    const pinned = await readPinned(database.read, repository, name);
    const gone = pinned.filter((file) => !there.has(file));
    if (gone.length > 0)
      await deps.remove(gone.map((file) => ({ repository, package: name, file })));
    await database.write(async (sql) => {
      await writeRevision(sql, repository, name, revision);
      if (wished.documents) await wantDocuments(sql, repository, name);
      // Those that were restored are brought again.
      for (const file of wished.files(true) ? pinned.filter((one) => there.has(one)) : [])
        await want(sql, { repository, package: name, file });
    });
  }

  /** Asks what is withheld of each package that was not asked about since the primary's policy changed. */
  async function judge(policy: string): Promise<void> {
    const round = Math.floor(now() / AGAIN_MS);
    for (;;) {
      const unasked = await readUnasked(database.read, `${policy} ${round}`, ASKED);
      const [first] = unasked;
      if (!first) return;
      const some = unasked.filter(({ repository }) => repository === first.repository);
      const names = some.map((one) => one.package);
      const said = deps.repository(first.repository)
        ? await askWithheld(primary, first.repository, names)
        : { policy, items: [] };
      const found = new Map(said.items.map((one) => [one.package, one.verdicts]));
      const next = some.map((one) => ({ ...one, verdicts: found.get(one.package) ?? [] }));
      const changed = next.filter(
        (one, at) => JSON.stringify(one.verdicts) !== JSON.stringify(some[at]!.verdicts),
      );
      await database.write(async (sql) => {
        for (const one of next) await writeVerdicts(sql, one, `${said.policy} ${round}`);
        for (const one of changed) await wantDocuments(sql, one.repository, one.package);
      });
      if (changed.length > 0) {
        judgements = await readJudged(database.read);
        deps.judged(changed);
      }
      if (said.policy !== policy) return; // it has changed meanwhile: the next turn asks again
      await breathe();
    }
  }

  return {
    mirror,
    goOn: () => alone(goOn),
    beginAnew: (by, reason) => alone(() => beginAnew(by, reason)),
    hear,
    count,
    shut,
    rules: () => rules,
    judgements: () => judgements,
    state: () => ({
      ...{ host, leaves, taken, wanted, currentAt, fault, heardAt },
      ...{ cutSince: noWay?.since ?? null, why: noWay?.why ?? "" },
      isRefused: noWay?.isRefused ?? false,
    }),
  };
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}
