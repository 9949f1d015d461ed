// The same database on PostgreSQL, through Bun's own client. See docs/decisions/0024-sql-for-two.md.
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../core/problem.ts";
import { createBatches, type Waiting } from "./batches.ts";
import type { Database, ReadDatabase } from "./database.ts";
import { CURRENT } from "./migrate.ts";
import { isAway, isConflict, isReadOnly, stateOf, told } from "./postgres-errors.ts";
import { connectTo, type Link, type LinkTimes, type PostgresPlace } from "./postgres-link.ts";
import { migratePostgres, outdated, requireCurrentPostgres } from "./postgres-schema.ts";
import { noteUnanswered } from "./postgres-watch.ts";
import type { Query } from "./query.ts";
import { Several, spread } from "./several.ts";

export type { PostgresPlace } from "./postgres-link.ts";

/** How often a transaction that met another server's is tried. */
const ATTEMPTS = 10;

/** Of SQLSTATE. */
const ABORTED = "25P02";
const LOCKED = "55P03";

/** Of a server that was stopped in a transaction: what it holds there is not to be held for ever. Milliseconds. */
const IDLE = { idle_in_transaction_session_timeout: "15000" };

export interface PostgresOptions extends Partial<LinkTimes> {
  /** Nobody else may have it as its own at the same time. */
  isAlone?: boolean;
}

/**
 * Opens a database that is there, and brings it up to date. Throws Problem("busy") where it cannot be reached, and Problem("conflict") where it is of
 * a newer program, or another server has it as its own.
 */
export async function openPostgres(
  place: PostgresPlace,
  { isAlone = false, ...times }: PostgresOptions = {},
): Promise<Database> {
  const reads = connectTo(place, place.connections - 1, { settings: READ_ONLY, times });
  const writes = connectTo(place, 1, { settings: IDLE, times });
  const close = () => Promise.all([writes.close(), reads.close()]);
  const hold = isAlone ? createHold() : null;
  try {
    if (hold) await transact(writes, [], hold, ""); // before anything of another server's is altered
    await migratePostgres(writes.now());
  } catch (error) {
    await close();
    throw told(error);
  }
  let commits = 0;
  const batches = createBatches(async (batch, alone) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const results = await transact(writes, batch, hold, VERSION);
        commits += 1;
        for (const [at, one] of batch.entries()) one.resolve(results[at]);
        return true;
      } catch (error) {
        if (isConflict(error) && attempt < ATTEMPTS) {
          await pause(attempt);
          continue;
        }
        if (error instanceof Unsure) noteUnanswered(place, error.process);
        else if (!alone) return false;
        for (const one of batch) one.reject(told(error));
        return true;
      }
    }
  });

  return {
    read: createQuery(reads.ask, isReadOnly),
    get commits() {
      return commits;
    },
    write: (work, { durable = false } = {}) => batches.write(work, durable),
    async close() {
      await batches.settled();
      await close();
    },
  };
}

/** Opens it for reading only, beside a server that may be running on it. Throws a Problem when it is of another version than this program's. */
export async function readPostgres(place: PostgresPlace): Promise<ReadDatabase> {
  const reads = connectTo(place, 1, { settings: READ_ONLY });
  try {
    await requireCurrentPostgres(reads.now());
  } catch (error) {
    await reads.close();
    throw told(error);
  }
  return { read: createQuery(reads.ask, isReadOnly), close: () => reads.close() };
}

/** What the server was given when it was made, and the number of the database in it: both are others in a copy by pg_dump. */
const WHICH =
  "SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS which FROM pg_control_system()";
/** Of SQLSTATE: the user may not ask that, or there is no such thing. */
const UNTOLD = ["42501", "42883", "0A000"];

/**
 * Which database it is, by whatever name it is reached: a replica that took over is the same one, a dump that was restored is another. Null where it does not
 * say. Throws Problem("busy") where it cannot be reached.
 */
export async function identifyPostgres(place: PostgresPlace): Promise<string | null> {
  const link = connectTo(place, 1, { settings: READ_ONLY });
  try {
    const [row] = await link.ask((sql) => sql.unsafe(WHICH));
    return row.which;
  } catch (error) {
    if (UNTOLD.includes(stateOf(error))) return null;
    throw told(error);
  } finally {
    await link.close();
  }
}

/**
 * Statements that each stand for themselves, on a connection of their own: they wait for no transaction, and give the connection up after two seconds
 * without a word. Makes no connection yet. A row that a transaction holds, perhaps of a server that was stopped in it, is waited for half a second, and
 * then is Problem("busy").
 */
export function askPostgres(place: PostgresPlace): { ask: Query; close(): Promise<void> } {
  const link = connectTo(place, 1, {
    settings: { lock_timeout: "500" },
    times: { silenceMs: 2_000, connectSeconds: 2 },
  });
  const ask: Link["ask"] = (work) =>
    link.ask(work).catch((error) => {
      if (stateOf(error) !== LOCKED) throw error;
      throw new Problem("busy", "A transaction holds this row of the database", { cause: error });
    });
  return { ask: createQuery(ask), close: link.close };
}

/** Asked with the beginning of each transaction: another server may have brought the database to a newer version. */
const VERSION = ", (SELECT version FROM schema_version) AS version";

const READ_ONLY = { default_transaction_read_only: "on" };

/** Asked with the beginning of each transaction of a server that has the database as its own: whether this very connection has the lock. */
const HOLDS = ", current_setting('holdfast.holds', TRUE) AS holds";

/** How often, and after which pause, it is looked whether a connection that was ended is gone: its process takes a moment. Milliseconds. */
const ENDED_LOOKS = 20;
const ENDED_MS = 50;

/** In each transaction that a connection without the lock begins. Throws Problem("conflict") when another server has the database. */
type Hold = (sql: Query) => Promise<void>;

/** A lock of the connection that writes: gone with it, and taken again by the next one unless somebody else was first. A standby that takes over knows of no lock. */
function createHold(): Hold {
  /** The connection that had it last, as the database knows it. */
  let last: { pid: string; since: string } | null = null;
  const take = async (sql: Query) => {
    const [{ held }] =
      await sql`SELECT CASE WHEN pg_try_advisory_lock(4653, 1) THEN set_config('holdfast.holds', 'yes', FALSE) END AS held`;
    return held !== null;
  };

  /** Whether it was still there: it may wait for a standby, or not know that nobody is there any more. */
  async function endLast(sql: Query): Promise<boolean> {
    const { pid, since } = last ?? { pid: "0", since: "" };
    await sql`SELECT pg_stat_clear_snapshot()`;
    const ended =
      await sql`SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE pid = ${pid} AND backend_start::text = ${since}`;
    return ended.length > 0;
  }

  return async (sql) => {
    let wasOurs = true; // it may end between two looks
    for (let left = ENDED_LOOKS; !(await take(sql)); left -= 1) {
      const isOurs = await endLast(sql);
      if (!isOurs && !wasOurs)
        throw new Problem(
          "conflict",
          "Another Holdfast is running on the database: nothing is written by this one",
        );
      if (left === 0)
        throw new Problem("busy", "The database still works for a connection that was given up");
      wasOurs = isOurs;
      await sleep(ENDED_MS);
    }
    const [now] =
      await sql`SELECT pid::text AS pid, backend_start::text AS since FROM pg_stat_activity WHERE pid = pg_backend_pid()`;
    last = now ?? null;
  };
}

/** The connection went before the answer to a commit came. What may have been done must not be done again. */
class Unsure extends Problem {
  /** Of the database, which was told to commit. */
  readonly process: string;
  constructor(process: string, cause: unknown) {
    super("busy", "The database was lost while it stored this: it may be there or not", { cause });
    this.process = process;
  }
}

/** Does a batch in one transaction, on one connection: were that lost, the rest must not go on outside of it. */
async function transact(
  writes: Link,
  batch: readonly Waiting[],
  hold: Hold | null,
  also: string,
): Promise<unknown[]> {
  const connection = await writes.ask((sql) => sql.reserve());
  const bounded: Link["ask"] = (work) => writes.ask(() => work(connection));
  /** Which process of the database was told to commit. */
  let committing: string | null = null;
  try {
    // A crash of the machine may lose the last fetches, never what was published.
    const sync = batch.some(({ durable }) => durable) ? "on" : "off";
    const begun = await bounded((sql) =>
      sql.unsafe(
        `BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL synchronous_commit = ${sync}; SELECT pg_backend_pid()::text AS process${hold ? HOLDS : ""}${also}`,
      ),
    );
    const [{ process, holds, version }] = begun.at(-1);
    if (version !== undefined && Number(version) > CURRENT) throw outdated(Number(version));
    const sql = createQuery(bounded);
    if (hold && holds !== "yes") await hold(sql);
    const results: unknown[] = [];
    for (const one of batch) results.push(await one.work(sql));
    committing = process;
    const { command } = await bounded((sql) => sql.unsafe("COMMIT"));
    // It is no error to PostgreSQL that nothing is committed where a statement failed, and somebody looked away.
    if (command !== "COMMIT")
      throw Object.assign(new Error("A statement of this transaction had failed"), {
        errno: ABORTED,
      });
    return results;
  } catch (error) {
    if (committing !== null && isAway(error)) throw new Unsure(committing, error);
    // Where the connection is gone nothing is left to undo.
    if (!isAway(error)) await bounded((sql) => sql.unsafe("ROLLBACK")).catch(() => {});
    throw error;
  } finally {
    connection.release();
  }
}

/** Not for as long as the other one: two that met would meet again. */
function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** attempt));
}

/** By the template: the text of one whose values stand for one each. */
const texts = new WeakMap<TemplateStringsArray, string>();

/** Statements are prepared by the client: once a connection, by their text. */
function createQuery(
  ask: Link["ask"],
  /** What stays as the server said it: that is somebody else's to judge, or a bug. */
  stays: (error: unknown) => boolean = isConflict,
): Query {
  const run = async (text: string, values?: unknown[]) => {
    try {
      return rowsOf(await ask((sql) => sql.unsafe(text, values)));
    } catch (error) {
      throw stays(error) ? error : told(error);
    }
  };
  async function query(parts: TemplateStringsArray, ...values: unknown[]) {
    const isPlain = !values.some((value) => value instanceof Several);
    const known = isPlain ? texts.get(parts) : undefined;
    if (known !== undefined) return run(known, values.map(toServer));
    const { text, bound } = spread(parts, values, (number) => `$${number}`);
    if (isPlain) texts.set(parts, text);
    return run(text, bound.map(toServer));
  }
  return Object.assign(query, { unsafe: (text: string) => run(text), finalize() {} });
}

/**
 * All but bytes goes as text: what type it is of, the server takes from where it stands in the query. The client would tell a number's
 * type by its size, and each would be a statement of its own.
 */
function toServer(value: unknown): string | Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  throw new TypeError(`A database takes no ${Object.prototype.toString.call(value)}`);
}

/** As SQLite gives them: whole numbers, bytes, text and null. */
function rowsOf(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  for (const row of rows) for (const key in row) row[key] = toHere(row[key]);
  return Array.from(rows);
}

function toHere(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (Buffer.isBuffer(value)) return new Uint8Array(value);
  return value;
}
