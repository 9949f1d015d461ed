// Feeds: reads each when it is due, and keeps what it told for as long as it cannot be read.
import type { Ecosystem } from "../core/advisory.ts";
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import type { Folder } from "../store/folder.ts";
import { ask, readBucket, refuse, whole } from "./bucket.ts";
import { decode } from "./entries.ts";
import type { Feed } from "./feed.ts";
import { readFolder } from "./folder.ts";
import { packagistEntries } from "./packagist.ts";
import {
  countRecords,
  dropFeed,
  type FeedRow,
  isSeed,
  type Named,
  newestOf,
  readFeeds,
  writeFeed,
} from "./rows.ts";
import type { Seed } from "./seed.ts";
import {
  nothingTaken,
  removeAll,
  removeVanished,
  type TakeDeps,
  type Taken,
  takeIn,
} from "./take.ts";
import { tendSeeds } from "./tend.ts";

export interface FeedsDeps {
  database: Database;
  blobs: Pick<Blobs, "begin">;
  openRandom(path: string): Promise<RandomAccess & { close(): Promise<void> }>;
  ecosystems: readonly Ecosystem[];
  /** Told of the packages about which something else is known, once that is committed. `isFirst`: the feed was never read before. */
  changed(names: readonly Named[], isFirst: boolean): void;
  note: TakeDeps["note"];
  now(): number;
}

/** What came of reading one feed. */
export interface Reading {
  feed: string;
  /** Null: it was read. What was known of it stays when it was not. */
  error: string | null;
  taken: Taken;
}

/** The feed of what was imported by command. */
export const IMPORTED = "imported";

export interface Feeds {
  /** These from now on; what others told is forgotten with the next reading. `seeds`: told of until a feed is in their place. */
  use(feeds: readonly Feed[], seeds?: readonly Seed[]): void;
  names(): string[];
  /** Reads those that are due, or `only` one, or all; one after the other. */
  read(which: "due" | "all" | { only: string }, signal: AbortSignal): Promise<Reading[]>;
  /** Takes in a folder or an archive that was carried here, beside what was before. */
  bring(folder: Folder, signal: AbortSignal): Promise<Reading>;
}

const PACKAGIST_LIMIT = 128 * 2 ** 20;

export function createFeeds(deps: FeedsDeps): Feeds {
  const { database, now } = deps;
  let feeds: readonly Feed[] = [];
  let seeds: readonly Seed[] = [];
  /** Nothing came or went since the seeds were looked at. */
  let isTended = false;
  /** When each was last asked, also in vain. */
  const tried = new Map<string, number>();
  let running: Promise<unknown> = Promise.resolve();

  function takeDeps(isFirst: boolean): TakeDeps {
    const { ecosystems, note } = deps;
    return { database, ecosystems, note, changed: (names) => deps.changed(names, isFirst) };
  }

  async function tend(signal: AbortSignal): Promise<void> {
    if (isTended) return;
    isTended = true;
    await tendSeeds({ ...takeDeps(true), now }, seeds, feeds, signal).catch((error) => {
      isTended = false;
      throw error;
    });
  }

  /** Readings come one after the other: each has the memory of one. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = running.then(work);
    running = done.catch(() => {});
    return done;
  }

  async function readOne(
    before: FeedRow,
    read: (take: TakeDeps) => Promise<Partial<FeedRow> & { taken: Taken }>,
  ): Promise<Reading> {
    const { name: feed } = before;
    let row = before;
    let taken = nothingTaken();
    try {
      const { taken: came, ...changes } = await read(takeDeps(before.wholeAt === null));
      taken = came;
      row = { ...before, ...changes, readAt: now(), error: null };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      row = { ...before, error: error.message };
    }
    const records = await countRecords(database.read, feed);
    const newestAt = await newestOf(database.read, feed);
    await database.write(async (sql) => {
      await writeFeed(sql, { ...row, records, newestAt });
      if (before.readAt === null) await deps.note(sql, null);
    });
    if (row.wholeAt !== before.wholeAt || taken.written + taken.removed > 0) isTended = false;
    // Its records came before it did: who asked between them heard of no feed, and that was remembered.
    if (before.readAt === null) deps.changed([], true);
    return { feed, error: row.error, taken };
  }

  const readFeed = ({ source }: Feed, row: FeedRow, signal: AbortSignal) =>
    readOne(row, async (take) => {
      if (source.kind === "folder") {
        const { etag } = row;
        const read = await readFolder(take, row.name, source.folder, {
          etag,
          isWhole: true,
          signal,
        });
        return read
          ? { ...read, wholeAt: now(), skipped: read.taken.skippedInAll }
          : { taken: nothingTaken() };
      }
      if (source.kind === "packagist") return readPackagist(take, source.upstream, row, signal);
      const bucket = { ...deps, ...take, upstream: source.upstream };
      const { isWhole, taken, etag, deltaTo } = await readBucket(bucket, row, source.path, signal);
      const isNew = isWhole && taken.entries > 0;
      return {
        taken,
        etag,
        deltaTo,
        ...(isWhole && { wholeAt: now() }),
        ...(isNew && { skipped: taken.skippedInAll }),
      };
    });

  async function readPackagist(
    take: TakeDeps,
    upstream: Upstream,
    row: FeedRow,
    signal: AbortSignal,
  ) {
    const answer = await ask({ upstream }, "", signal, {
      accept: "application/json",
      "accept-encoding": "identity",
      ...(row.etag !== null && { "if-none-match": row.etag }),
    });
    if (answer.status === 304) {
      await answer.discard();
      return { taken: nothingTaken() };
    }
    await refuse(answer, answer.url);
    const text = decode(await whole(answer, PACKAGIST_LIMIT));
    const entries = packagistEntries(text, new Date(0).toISOString());
    if (entries.length === 0 && row.records > 0)
      throw new Problem(
        "malformed",
        `${answer.upstream} tells of nothing, where it told of ${row.records} advisories: that is not taken for all`,
      );
    const taken = nothingTaken();
    await takeIn(take, row.name, each(entries), taken, { isForward: false, signal });
    await removeVanished(take, row.name, taken);
    const etag = answer.headers.get("etag");
    return { taken, etag, wholeAt: now(), skipped: taken.skippedInAll };
  }

  async function rowsByName(): Promise<Map<string, FeedRow>> {
    return new Map((await readFeeds(database.read)).map((row) => [row.name, row]));
  }

  return {
    use(next, sown = []) {
      feeds = next;
      seeds = sown;
      isTended = false;
    },
    names: () => feeds.map(({ name }) => name),
    read: (which, signal) =>
      inTurn(async () => {
        const rows = await rowsByName();
        for (const name of rows.keys())
          if (name !== IMPORTED && !isSeed(name) && !feeds.some((one) => one.name === name)) {
            await removeAll(takeDeps(false), name);
            await database.write((sql) => dropFeed(sql, name));
          }
        await tend(signal);
        const readings: Reading[] = [];
        for (const feed of feeds) {
          if (signal.aborted) break;
          const row = rows.get(feed.name) ?? emptyRow(feed.name);
          if (typeof which === "object" && which.only !== feed.name) continue;
          const last = Math.max(row.readAt ?? 0, tried.get(feed.name) ?? 0);
          if (which === "due" && now() >= last && now() - last < feed.everyMs) continue;
          tried.set(feed.name, now());
          readings.push(await readFeed(feed, row, signal));
        }
        await tend(signal);
        return readings;
      }),
    bring: (folder, signal) =>
      inTurn(async () => {
        const row = (await rowsByName()).get(IMPORTED) ?? emptyRow(IMPORTED);
        const reading = await readOne(row, async (take) => {
          const read = await readFolder(take, IMPORTED, folder, {
            etag: null,
            isWhole: false,
            signal,
          });
          return { taken: read!.taken, wholeAt: now(), skipped: read!.taken.skippedInAll };
        });
        await tend(signal);
        return reading;
      }),
  };
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function emptyRow(name: string): FeedRow {
  return {
    name,
    readAt: null,
    wholeAt: null,
    newestAt: null,
    records: 0,
    skipped: 0,
    etag: null,
    deltaTo: null,
    error: null,
  };
}
