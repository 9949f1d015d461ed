// What the catalog knows of the log: how far it goes, and where pins stand in it.

import type { Query } from "../../store/database.ts";
import { list, portions, tuples } from "../../store/several.ts";
import { GROUPS, type Group, type LoggedRow } from "./leaf.ts";
import type { QueuedRow } from "./rows.ts";

export async function readState(sql: Query, name: string): Promise<string | null> {
  const [row] = await sql`SELECT value FROM log_state WHERE name = ${name}`;
  return row?.value ?? null;
}

export async function writeState(sql: Query, name: string, value: string): Promise<void> {
  await sql`INSERT INTO log_state (name, value) VALUES (${name}, ${value})
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
}

/** Nothing is known of any log, and all rows are to be leaves: for one that begins anew. */
export async function forgetLog(sql: Query): Promise<void> {
  await sql`DELETE FROM log_state WHERE name <> ${LOSS}`;
  await sql`DELETE FROM log_pins`;
  await sql`DELETE FROM log_queue`;
  for (const group of GROUPS) await writeState(sql, fillOf(group), "[]");
}

/** Under which it stands what was lost, until somebody accepts it. */
const LOSS = "loss";

/** What was lost: for people, and by what it is called as an event. */
export interface KnownLoss {
  kind: "history-lost" | "log-lost";
  message: string;
}

export async function readLoss(sql: Query): Promise<KnownLoss | null> {
  const value = await readState(sql, LOSS);
  return value === null ? null : JSON.parse(value);
}

export function writeLoss(sql: Query, { kind, message }: KnownLoss): Promise<void> {
  return writeState(sql, LOSS, JSON.stringify({ kind, message }));
}

export function acceptLoss(sql: Query): Promise<void> {
  return removeState(sql, LOSS);
}

/** Under which it stands which rows of a group were there before the log, and are no leaves yet. */
export function fillOf(group: Group): string {
  return `fill ${group}`;
}

export async function removeState(sql: Query, name: string): Promise<void> {
  await sql`DELETE FROM log_state WHERE name = ${name}`;
}

/** These rows are leaves now, the first of them the leaf `first`. */
export async function takeOff(
  sql: Query,
  rows: readonly QueuedRow[],
  first: number,
): Promise<void> {
  const pins = new Map<string, unknown[]>();
  for (const [at, row] of rows.entries())
    if (row.kind === "pin") {
      const key = [row.repository, row.package, row.file];
      pins.set(JSON.stringify(key), [...key, first + at]);
    }
  for (const some of portions([...pins.values()]))
    await sql`INSERT INTO log_pins (repository, package, file, leaf) VALUES ${tuples(some)}
      ON CONFLICT (repository, package, file) DO UPDATE SET leaf = excluded.leaf`;
  for (const some of portions(rows.map(({ id }) => id)))
    await sql`DELETE FROM log_queue WHERE id IN (${list(some)})`;
}

/** The leaf of a file's pin; null where it is none yet. */
export async function pinnedAt(
  sql: Query,
  repository: string,
  packageName: string,
  file: string,
): Promise<number | null> {
  const [row] = await sql`SELECT leaf FROM log_pins
    WHERE repository = ${repository} AND package = ${packageName} AND file = ${file}`;
  return row ? Number(row.leaf) : null;
}

export async function countQueue(sql: Query): Promise<number> {
  const [row] = await sql`SELECT count(*) AS total FROM log_queue`;
  return Number(row.total);
}

/** Puts rows that were there before where triggers put those that come. */
export async function enqueue(sql: Query, rows: readonly LoggedRow[]): Promise<void> {
  const values = rows.map((row) => [...QUEUE.map((column) => row[column] ?? null), 1]);
  for (const some of portions(values))
    await sql`INSERT INTO log_queue (kind, ref, repository, package, version, file, at, sha256, size, source, integrity, state,
      told, seen, gone, tampered, shown, ends, sealed, sealed_too, taken_up) VALUES ${tuples(some)}`;
}

const QUEUE = [
  ...["kind", "ref", "repository", "package", "version", "file", "at", "sha256", "size", "source"],
  ...["integrity", "state", "told", "seen", "gone", "tampered", "shown", "ends"],
  ...["sealed", "sealed_too"],
] as readonly (keyof LoggedRow)[];
