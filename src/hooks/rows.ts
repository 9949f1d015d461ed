// The table of what hooks are to tell: written with what happened, and changed as it is told.
import type { Told } from "../core/hook.ts";
import type { Query } from "../store/database.ts";

export type State = "waiting" | "told" | "failed";

/** One message for one hook, and what became of it. Times are milliseconds since the epoch. */
export interface Delivery {
  hook: string;
  id: string;
  type: string;
  repository: string;
  package: string;
  payload: string;
  state: State;
  createdAt: number;
  tries: number;
  triedAt: number | null;
  nextAt: number;
  endsAt: number;
  /** Why the last try failed that did. */
  error: string | null;
}

/** Kept of what has ended, of each hook. */
const KEPT = 10_000;
/** Beyond its time, for what waits its turn with others. */
const LATE_MS = 60 * 60 * 1000;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export async function insertDelivery(
  sql: Query,
  to: { hook: string; id: string; payload: string; at: number; nextAt: number; endsAt: number },
  { type, repository, package: name }: Told,
): Promise<void> {
  const { hook, id, payload, at, nextAt, endsAt } = to;
  await sql`INSERT INTO deliveries (hook, id, type, repository, package, payload, state, created_at, tries, next_at, ends_at)
    VALUES (${hook}, ${id}, ${type}, ${repository}, ${name}, ${payload}, 'waiting', ${at}, 0, ${nextAt}, ${endsAt})`;
}

/** Those that are to be tried now, those first that were due first. */
export async function readDue(
  sql: Query,
  hook: string,
  now: number,
  limit: number,
): Promise<Delivery[]> {
  const rows = await sql`SELECT * FROM deliveries
    WHERE hook = ${hook} AND state = 'waiting' AND next_at <= ${now} ORDER BY next_at, id LIMIT ${limit}`;
  return rows.map(fromRow);
}

export async function findDelivery(sql: Query, hook: string, id: string): Promise<Delivery | null> {
  const [row] = await sql`SELECT * FROM deliveries WHERE hook = ${hook} AND id = ${id}`;
  return row ? fromRow(row) : null;
}

/** The newest first, of one state or of all; `before`: older ones than this id. */
export async function listDeliveries(
  sql: Query,
  hook: string,
  { state, before, limit }: { state?: State | undefined; before?: string | null; limit: number },
): Promise<Delivery[]> {
  const [only, below] = [state ?? "", before ?? ""];
  const rows = await sql`SELECT * FROM deliveries
    WHERE hook = ${hook} AND (${only} = '' OR state = ${only}) AND (${below} = '' OR id < ${below})
    ORDER BY id DESC LIMIT ${limit}`;
  return rows.map(fromRow);
}

export async function markTold(sql: Query, hook: string, id: string, at: number): Promise<void> {
  await sql`UPDATE deliveries SET state = 'told', tries = tries + 1, tried_at = ${at}, error = NULL
    WHERE hook = ${hook} AND id = ${id}`;
}

export async function markFailed(
  sql: Query,
  { hook, id }: Pick<Delivery, "hook" | "id">,
  { at, state, nextAt, error }: { at: number; state: State; nextAt: number; error: string },
): Promise<void> {
  await sql`UPDATE deliveries SET state = ${state}, tries = tries + 1, tried_at = ${at}, next_at = ${nextAt}, error = ${error}
    WHERE hook = ${hook} AND id = ${id}`;
}

/** To be told again from now on, whatever became of it before. */
export async function markWaiting(
  sql: Query,
  { hook, id }: Pick<Delivery, "hook" | "id">,
  at: number,
  endsAt: number,
): Promise<void> {
  await sql`UPDATE deliveries SET state = 'waiting', tries = 0, next_at = ${at}, ends_at = ${endsAt}
    WHERE hook = ${hook} AND id = ${id}`;
}

/** The same for all of a hook that have failed. How many they are. */
export async function markAllWaiting(
  sql: Query,
  hook: string,
  at: number,
  endsAt: number,
): Promise<number> {
  const rows =
    await sql`UPDATE deliveries SET state = 'waiting', tries = 0, next_at = ${at}, ends_at = ${endsAt}
    WHERE hook = ${hook} AND state = 'failed' RETURNING id`;
  return rows.length;
}

export interface Counts {
  waiting: number;
  failed: number;
}

/** By hook, of those that have any. */
export async function countDeliveries(sql: Query): Promise<Map<string, Counts>> {
  const counts = new Map<string, Counts>();
  const of = (hook: string) => {
    const known = counts.get(hook) ?? { waiting: 0, failed: 0 };
    counts.set(hook, known);
    return known;
  };
  const waiting =
    await sql`SELECT hook, COUNT(*) AS many FROM deliveries WHERE state = 'waiting' GROUP BY hook`;
  for (const { hook, many } of waiting) of(hook).waiting = Number(many);
  const failed =
    await sql`SELECT hook, COUNT(*) AS many FROM deliveries WHERE state = 'failed' GROUP BY hook`;
  for (const { hook, many } of failed) of(hook).failed = Number(many);
  return counts;
}

/** When a hook was last told something, and of which it is known; null for never. */
export async function lastTold(sql: Query, hook: string): Promise<number | null> {
  const [row] =
    await sql`SELECT tried_at FROM deliveries WHERE hook = ${hook} AND state = 'told' ORDER BY id DESC LIMIT 1`;
  return row ? Number(row.tried_at) : null;
}

/** Gives up what could not be told in its time, also where nobody tries, and forgets what ended long ago, and what is too many. */
export async function tidyDeliveries(sql: Query, now: number): Promise<void> {
  await sql`UPDATE deliveries SET state = 'failed', error = COALESCE(error, 'it could not be tried in its time')
    WHERE state = 'waiting' AND ends_at < ${now - LATE_MS}`;
  await sql`DELETE FROM deliveries WHERE state <> 'waiting' AND created_at < ${now - KEPT_MS}`;
  const hooks = await sql`SELECT DISTINCT hook FROM deliveries`;
  for (const { hook } of hooks) {
    const [last] = await sql`SELECT id FROM deliveries WHERE hook = ${hook} AND state <> 'waiting'
      ORDER BY id DESC LIMIT 1 OFFSET ${KEPT}`;
    if (last)
      await sql`DELETE FROM deliveries WHERE hook = ${hook} AND state <> 'waiting' AND id <= ${last.id}`;
  }
}

/** Of a stored or published release: what messages tell of it as well. */
export async function readPurl(
  sql: Query,
  repository: string,
  name: string,
  version: string,
): Promise<string | undefined> {
  const [row] = await sql`SELECT purl FROM artifacts
    WHERE repository = ${repository} AND package = ${name} AND version = ${version} LIMIT 1`;
  return row?.purl;
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function fromRow(row: any): Delivery {
  return {
    hook: row.hook,
    id: row.id,
    type: row.type,
    repository: row.repository,
    package: row.package,
    payload: row.payload,
    state: row.state,
    createdAt: Number(row.created_at),
    tries: Number(row.tries),
    triedAt: row.tried_at === null ? null : Number(row.tried_at),
    nextAt: Number(row.next_at),
    endsAt: Number(row.ends_at),
    error: row.error,
  };
}
