// Takes records of a feed in: what has changed, in portions, so that neither memory nor the loop feels how many there are.
import type { Ecosystem } from "../core/advisory.ts";
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "../store/database.ts";
import { type SeenIds, seenIds } from "./ids.ts";
import { readRecord } from "./record.ts";
import {
  type Came,
  countRecords,
  idsAfter,
  type Named,
  readMarks,
  removeRecords,
  writeRecords,
} from "./rows.ts";

/** One entry of a feed, which holds one record. */
export interface Entry {
  /** As its name tells it: mostly the record's. */
  id: string;
  /** Of its bytes: what has the same was not changed. */
  mark: string;
  /** Throws a Problem for what cannot be read. */
  read(): Promise<{ text: string; deflated: Uint8Array }>;
}

export interface TakeDeps {
  database: Database;
  ecosystems: readonly Ecosystem[];
  /** Told of the packages about which something else is known, once that is committed. */
  changed(names: readonly Named[]): void;
  /** The same in the transaction, for other servers; null: of any. */
  note(sql: Query, names: readonly Named[] | null): Promise<void>;
}

export interface Taken {
  /** Entries that there were. */
  entries: number;
  written: number;
  removed: number;
  skipped: { id: string; why: string }[];
  /** How many could not be read, with those that are not told. */
  skippedInAll: number;
  /** Ids of all records that the feed has. */
  ids: SeenIds;
}

const AT_ONCE = 16;
const TOLD = 5;

export function nothingTaken(): Taken {
  return { entries: 0, written: 0, removed: 0, skipped: [], skippedInAll: 0, ids: seenIds() };
}

/**
 * Adds to `taken`. `isForward`: what is older than what is known is left out, where a feed may answer from before. Throws what the entries throw: what came
 * before that stays.
 */
export async function takeIn(
  deps: TakeDeps,
  feed: string,
  entries: AsyncIterable<Entry>,
  taken: Taken,
  { isForward, signal }: { isForward: boolean; signal?: AbortSignal },
): Promise<void> {
  const { database, ecosystems, changed } = deps;
  for await (const batch of inBatches(entries)) {
    signal?.throwIfAborted();
    const marks = await readMarks(
      database.read,
      feed,
      batch.map(({ id }) => id),
    );
    const came: Came[] = [];
    for (const entry of batch) {
      taken.entries += 1;
      const known = marks.get(entry.id);
      if (known?.mark === entry.mark) {
        taken.ids.add(entry.id);
        continue;
      }
      try {
        const { text, deflated } = await entry.read();
        const record = readRecord(text, ecosystems);
        taken.ids.add(record.id);
        if (isForward && known && record.modifiedAt < known.modifiedAt) continue;
        came.push({ record, deflated, mark: entry.mark });
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== "malformed") throw error;
        taken.ids.add(entry.id); // what was known of it stays
        taken.skippedInAll += 1;
        if (taken.skipped.length < TOLD) taken.skipped.push({ id: entry.id, why: error.message });
      }
    }
    if (came.length > 0) {
      const last = new Map(came.map((one) => [one.record.id, one])); // one that stands there twice
      const names = await written(deps, (sql) => writeRecords(sql, feed, [...last.values()]));
      taken.written += last.size;
      changed(names);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Of so many records a feed may lose so many at a time: more is a feed that is not whole. */
const MOST_LOST = 0.1;
const FEW = 20;

/**
 * Removes what the feed does not have any more, after all of it was read. `isGone` is asked of each: false where it is there all the same. Throws
 * Problem("malformed"), and removes nothing, where so much is missing that the feed cannot be whole.
 */
export async function removeVanished(
  deps: TakeDeps,
  feed: string,
  taken: Taken,
  isGone: (id: string) => Promise<boolean> = async () => true,
): Promise<void> {
  const { database, changed } = deps;
  const known = await countRecords(database.read, feed);
  const missing: string[] = [];
  for (let after = ""; ; ) {
    const ids = await idsAfter(database.read, feed, after, 1000);
    missing.push(...ids.filter((id) => !taken.ids.has(id)));
    if (ids.length < 1000) break;
    after = ids.at(-1)!;
  }
  if (missing.length > FEW && missing.length > known * MOST_LOST)
    throw new Problem(
      "malformed",
      `It lacks ${missing.length} of ${known} records that it had: it is not taken for whole, and they still count`,
    );
  for (let at = 0; at < missing.length; at += AT_ONCE) {
    const gone: string[] = [];
    for (const id of missing.slice(at, at + AT_ONCE)) if (await isGone(id)) gone.push(id);
    if (gone.length === 0) continue;
    const names = await written(deps, (sql) => removeRecords(sql, feed, gone));
    taken.removed += gone.length;
    changed(names);
  }
}

/** All records of a feed that is none any more. */
export async function removeAll(deps: TakeDeps, feed: string): Promise<void> {
  const { database, changed } = deps;
  for (;;) {
    const ids = await idsAfter(database.read, feed, "", AT_ONCE);
    if (ids.length === 0) return;
    changed(await written(deps, (sql) => removeRecords(sql, feed, ids)));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function written(
  { database, note }: TakeDeps,
  work: (sql: Query) => Promise<Named[]>,
): Promise<Named[]> {
  return database.write(async (sql) => {
    const names = await work(sql);
    await note(sql, names);
    return names;
  });
}

async function* inBatches(entries: AsyncIterable<Entry>): AsyncGenerator<Entry[]> {
  let batch: Entry[] = [];
  for await (const entry of entries) {
    batch.push(entry);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
