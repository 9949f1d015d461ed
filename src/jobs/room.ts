// Makes room on the disk: the files that were used longest ago go first, of those that can come again. In small steps beside requests.
import { type EvictDeps, takeOut } from "../cache/evict.ts";
import { type After, BEGINNING, type Judged, judgedFiles } from "../cache/keepers.ts";
import type { Uses } from "../cache/uses.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { bytesOf, type Share } from "../core/share.ts";
import type { Database } from "../store/database.ts";
import type { RecurringJob } from "./runner.ts";

/** A repository as far as room is made in it. */
export interface Roomy {
  name: string;
  /** Bytes of fetched files; null for no bound. */
  quota: number | null;
  /** Why nothing can go now, since it could not come again: a sentence without a period; null where something can. */
  whyNot(): string | null;
  /** What its format says of a file that nobody else keeps, see `Service.keeps`. */
  keeps(file: Judged): Promise<boolean>;
}

/** Below `keepFree` room is made until `until` is free. */
export interface Marks {
  keepFree: Share;
  until: Share;
}

export interface RoomDeps extends EvictDeps {
  database: Database;
  uses: Uses;
  repositories(): readonly Roomy[];
  marks(): Marks;
  /** Of the disk of the data directory, in bytes. */
  disk(): Promise<{ free: number; total: number }>;
  now(): number;
  metrics: Metrics;
  /** Waits so long before bytes are removed that were just taken out of the catalog. For tests. */
  lingerMs?: number;
}

export interface RoomState {
  free: number;
  total: number;
  /** In bytes; 0 for never. */
  keepFree: number;
  until: number;
  /** What the mark wants freed now. Bytes. */
  wanted: number;
  repositories: RoomOfRepository[];
}

export interface RoomOfRepository {
  name: string;
  fetched: number;
  quota: number | null;
  /** What the quota wants freed now. Bytes. */
  wanted: number;
  /** Why nothing goes, or null. */
  whyNot: string | null;
}

/** Of one repository: what went, or would go, and what was looked at and stays, by who keeps it. */
export interface Made {
  repository: string;
  files: number;
  bytes: number;
  kept: Map<string, number>;
}

export interface Room {
  state(): Promise<RoomState>;
  /** Makes the room that is wanted now. `isDry`: says what would go. `steps`: so many pages at most, from where the last ones ended. */
  make(how: { isDry?: boolean; steps?: number; signal?: AbortSignal }): Promise<Made[]>;
  job(log: Log): RecurringJob;
}

const LOOK_MS = 10_000;
/** Steps of one turn of the server's own: some thousand files. */
const STEPS = 50;
const LINGER_MS = 5_000;
/** What came or was used within this time stays: somebody may be about to read it. */
const YOUNG_MS = 60_000;
/** What was found to be kept is looked at again after so long. */
const AGAIN_MS = 60 * 60 * 1000;
const BY_FORMAT = "needed to show others";

/** How far a repository was walked through, over many turns: what was found to be kept is not looked at each time. */
interface Walk {
  after: After;
  began: number;
}

export function createRoom(deps: RoomDeps): Room {
  const { database, naming, now, lingerMs = LINGER_MS } = deps;
  const evictedFiles = deps.metrics.counter(
    "holdfast_evicted_files_total",
    "Fetched files that were removed to make room, by repository.",
  );
  const evictedBytes = deps.metrics.counter(
    "holdfast_evicted_bytes_total",
    "Bytes of fetched files that were removed to make room, by repository.",
  );
  const walks = new Map<string, Walk>();
  /** Out of the catalog, and still on disk. */
  let leaving: { sha256: string; size: number; at: number }[] = [];
  let isShort = false;
  let turn: Promise<unknown> = Promise.resolve();

  async function state(): Promise<RoomState> {
    const { free, total } = await deps.disk();
    const { keepFree, until } = deps.marks();
    const low = bytesOf(keepFree, total);
    const high = Math.max(low, bytesOf(until, total));
    if (free < low) isShort = true;
    else if (free >= high) isShort = false;
    const coming = leaving.reduce((sum, { size }) => sum + size, 0);
    const rows = await database.read`SELECT repository, fetched FROM totals`;
    const fetched = new Map(rows.map((row) => [String(row.repository), Number(row.fetched)]));
    return {
      free,
      total,
      keepFree: low,
      until: high,
      wanted: isShort ? Math.max(0, high - free - coming) : 0,
      repositories: deps.repositories().map((one) => {
        const bytes = fetched.get(one.name) ?? 0;
        return {
          name: one.name,
          fetched: bytes,
          quota: one.quota,
          wanted: one.quota === null ? 0 : Math.max(0, bytes - one.quota),
          whyNot: one.whyNot(),
        };
      }),
    };
  }

  /** The next page of a walk; null at its end. */
  async function page(one: Roomy, walk: Walk): Promise<Judged[] | null> {
    const next = () => judgedFiles(database.read, one.name, walk.after, now() - YOUNG_MS);
    let files = await next();
    if (files.length === 0 && Math.abs(now() - walk.began) >= AGAIN_MS) {
      Object.assign(walk, { after: BEGINNING, began: now() });
      files = await next();
    }
    if (files.length === 0) return null;
    for (const file of files)
      if (file.keptBy === null && (await one.keeps(file))) file.keptBy = BY_FORMAT;
    return files;
  }

  /** One step: files of this page go until `wanted` bytes are had. Returns the bytes, or null at the end. */
  async function step(
    one: Roomy,
    walk: Walk,
    wanted: number,
    made: Made,
    isDry: boolean,
  ): Promise<number | null> {
    const files = await page(one, walk);
    if (files === null) return null;
    const going: Judged[] = [];
    let bytes = 0;
    for (const file of files) {
      if (bytes >= wanted) break;
      walk.after = file;
      if (file.keptBy !== null) {
        made.kept.set(file.keptBy, (made.kept.get(file.keptBy) ?? 0) + 1);
        continue;
      }
      going.push(file);
      bytes += file.size;
    }
    const gone = isDry || going.length === 0 ? going : await takeOut(deps, one.name, going);
    const went = gone.reduce((sum, { size }) => sum + size, 0);
    made.files += gone.length;
    made.bytes += went;
    if (isDry) return went;
    evictedFiles.add({ repository: one.name }, gone.length);
    evictedBytes.add({ repository: one.name }, went);
    for (const { sha256, size } of gone) leaving.push({ sha256, size, at: now() });
    await new Promise((resolve) => setImmediate(resolve)); // requests have their turn
    return went;
  }

  async function removeBytes(isAll: boolean): Promise<void> {
    const due = leaving.filter(({ at }) => isAll || now() - at >= lingerMs || now() < at);
    leaving = leaving.filter((one) => !due.includes(one));
    for (const { sha256 } of due) await naming.remove(sha256);
  }

  async function work(isDry: boolean, steps: number, signal?: AbortSignal): Promise<Made[]> {
    // A disk that takes no note keeps nobody from making room on it.
    await deps.uses.flush().catch(() => {});
    await removeBytes(false);
    const { wanted, repositories } = await state();
    const isWhole = steps === Number.POSITIVE_INFINITY;
    const made = new Map<string, Made>();
    const open = new Map<string, { one: Roomy; walk: Walk }>();
    for (const one of deps.repositories()) {
      if (one.whyNot() !== null) continue;
      const fresh = { after: BEGINNING, began: now() };
      // Who asks for all of it is told of all that stays.
      const walk = isWhole ? fresh : (walks.get(one.name) ?? fresh);
      if (!isWhole) walks.set(one.name, walk);
      open.set(one.name, { one, walk });
      made.set(one.name, { repository: one.name, files: 0, bytes: 0, kept: new Map() });
    }
    let left = steps;
    const isOver = () => left-- <= 0 || signal?.aborted === true;
    for (const { name, wanted: over } of repositories) {
      const found = open.get(name);
      for (let had = 0; found && had < over && !isOver(); ) {
        const bytes = await step(found.one, found.walk, over - had, made.get(name)!, isDry);
        if (bytes === null) open.delete(name);
        if (bytes === null) break;
        had += bytes;
      }
    }
    let had = [...made.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    while (had < wanted && open.size > 0 && !isOver()) {
      const { one, walk } = await oldest([...open.values()]);
      const bytes = await step(one, walk, wanted - had, made.get(one.name)!, isDry);
      if (bytes === null) open.delete(one.name);
      else had += bytes;
    }
    return [...made.values()].filter(({ files, kept }) => files > 0 || kept.size > 0);
  }

  /** The one that has the file that was used longest ago, of those where their walks stand. */
  async function oldest(all: { one: Roomy; walk: Walk }[]): Promise<{ one: Roomy; walk: Walk }> {
    let found = all[0]!;
    let least = Number.POSITIVE_INFINITY;
    if (all.length === 1) return found;
    for (const candidate of all) {
      const { usedAt } = candidate.walk.after;
      const [row] = await database.read`SELECT min(used_at) AS first FROM artifacts
        WHERE repository = ${candidate.one.name} AND used_at > ${usedAt}`;
      const first = row.first === null ? Number.POSITIVE_INFINITY : Number(row.first);
      if (first < least) [found, least] = [candidate, first];
    }
    return found;
  }

  /** Never two at a time. */
  function make({
    isDry = false,
    steps = Number.POSITIVE_INFINITY,
    signal,
  }: Parameters<Room["make"]>[0]): Promise<Made[]> {
    const done = turn.catch(() => {}).then(() => work(isDry, steps, signal));
    turn = done;
    return done;
  }

  deps.metrics.gauge(
    "holdfast_fetched_bytes",
    "Bytes of stored artifacts that were fetched, by repository.",
    async () =>
      (await state()).repositories.map(({ name, fetched }) => [{ repository: name }, fetched]),
  );
  deps.metrics.gauge(
    "holdfast_quota_bytes",
    "Bytes of fetched artifacts that a repository may have, where it has a quota.",
    async () =>
      (await state()).repositories.flatMap(({ name, quota }): [Record<string, string>, number][] =>
        quota === null ? [] : [[{ repository: name }, quota]],
      ),
  );
  deps.metrics.gauge(
    "holdfast_room_wanted_bytes",
    "Bytes that quotas and the free space to keep want freed now.",
    async () => {
      const { wanted, repositories } = await state();
      const over = repositories.reduce((sum, one) => sum + one.wanted, 0);
      return [[{}, Math.max(wanted, over)]];
    },
  );

  return {
    state,
    async make(how) {
      const made = await make(how);
      if (how.isDry || leaving.length === 0) return made;
      // Who waits for the room wants it to be there.
      await new Promise((resolve) => setTimeout(resolve, lingerMs));
      await removeBytes(true);
      return made;
    },
    job: (log) => ({
      name: "Making room",
      everyMs: LOOK_MS,
      isForAll: true,
      async run() {
        for (const { repository, files, bytes } of await make({ steps: STEPS }))
          if (files > 0) log.write("info", "Made room on the disk", { repository, files, bytes });
      },
    }),
  };
}
