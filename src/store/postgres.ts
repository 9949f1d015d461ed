// The same database on PostgreSQL, through Bun's own client. Only the tests open it yet: see docs/decisions/0024-sql-for-two.md.
import { SQL } from "bun";
import { Problem } from "../core/problem.ts";
import { createBatches, type Waiting } from "./batches.ts";
import type { Database } from "./database.ts";
import { migratePostgres } from "./postgres-schema.ts";
import type { Query } from "./query.ts";
import { Several, spread } from "./several.ts";

export interface PostgresPlace {
  /** The folder of its socket. */
  folder: string;
  database: string;
  user: string;
}

/** How often a transaction that met another server's is tried. */
const ATTEMPTS = 10;
const READERS = 4;

/** SQLSTATE: could not serialize, and deadlock. Nothing was done, and the same may go well the next time. */
const CONFLICTS = ["40001", "40P01"];
const DISK_FULL = "53100";
const ABORTED = "25P02";

/** A connection, or several. */
type Connection = Pick<SQL, "unsafe">;

/** Opens a database that is there, and brings it up to date. */
export async function openPostgres(place: PostgresPlace): Promise<Database> {
  const writes = connect(place, 1);
  const reads = connect(place, READERS, { default_transaction_read_only: "on" });
  try {
    await migratePostgres(writes);
  } catch (error) {
    await Promise.all([writes.close(), reads.close()]);
    throw error;
  }
  let commits = 0;
  const batches = createBatches(async (batch, alone) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const results = await transact(writes, batch);
        commits += 1;
        for (const [at, one] of batch.entries()) one.resolve(results[at]);
        return true;
      } catch (error) {
        if (isConflict(error) && attempt < ATTEMPTS) {
          await pause(attempt);
          continue;
        }
        if (!alone && !(error instanceof Unsure)) return false;
        for (const one of batch) one.reject(told(error));
        return true;
      }
    }
  });

  return {
    read: createQuery(reads),
    get commits() {
      return commits;
    },
    write: (work, { durable = false } = {}) => batches.write(work, durable),
    async close() {
      await batches.settled();
      await Promise.all([writes.close(), reads.close()]);
    },
  };
}

function connect(
  { folder, database, user }: PostgresPlace,
  max: number,
  settings: Record<string, string> = {},
): SQL {
  return new SQL({
    adapter: "postgres",
    path: `${folder}/.s.PGSQL.5432`,
    database,
    username: user,
    max,
    // A plan for any values reads a whole package where a list of a thousand files is looked up.
    connection: { plan_cache_mode: "force_custom_plan", ...settings },
    bigint: true,
  });
}

/** The connection went before the answer to a commit came. What may have been done must not be done again. */
class Unsure extends Problem {
  constructor(cause: unknown) {
    super("busy", "The database was lost while it stored this: it may be there or not", { cause });
  }
}

/** Does a batch in one transaction, on one connection: were that lost, the rest must not go on outside of it. */
async function transact(writes: SQL, batch: readonly Waiting[]): Promise<unknown[]> {
  const connection = await writes.reserve();
  let isCommitting = false;
  try {
    // A crash of the machine may lose the last fetches, never what was published.
    const sync = batch.some(({ durable }) => durable) ? "on" : "off";
    await connection.unsafe(
      `BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL synchronous_commit = ${sync}`,
    );
    const sql = createQuery(connection);
    const results: unknown[] = [];
    for (const one of batch) results.push(await one.work(sql));
    isCommitting = true;
    const { command } = await connection.unsafe("COMMIT");
    // It is no error to PostgreSQL that nothing is committed where a statement failed, and somebody looked away.
    if (command !== "COMMIT")
      throw Object.assign(new Error("A statement of this transaction had failed"), {
        errno: ABORTED,
      });
    return results;
  } catch (error) {
    if (isCommitting && isLost(error)) throw new Unsure(error);
    await connection.unsafe("ROLLBACK").catch(() => {}); // where the connection is gone nothing is left to undo
    throw error;
  } finally {
    connection.release();
  }
}

function isConflict(error: unknown): boolean {
  return CONFLICTS.includes(stateOf(error));
}

/** Not the server's word on the statement: the connection ended, or the server does (classes 08 and 57 of SQLSTATE). */
function isLost(error: unknown): boolean {
  const state = stateOf(error);
  return state === "" || /^(08|57)/.test(state);
}

/** The SQLSTATE of what the server said. */
function stateOf(error: unknown): string {
  return String((error as { errno?: unknown } | null)?.errno ?? "");
}

function told(error: unknown): unknown {
  if (isConflict(error))
    return new Problem("busy", "Other servers change the same rows of the database", {
      cause: error,
    });
  return stateOf(error) === DISK_FULL
    ? new Problem("full", "The disk that holds the database is full", { cause: error })
    : error;
}

/** Not for as long as the other one: two that met would meet again. */
function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** attempt));
}

/** By the template: the text of one whose values stand for one each. */
const texts = new WeakMap<TemplateStringsArray, string>();

/** Statements are prepared by the client: once a connection, by their text. */
function createQuery(connection: Connection): Query {
  async function query(parts: TemplateStringsArray, ...values: unknown[]) {
    const isPlain = !values.some((value) => value instanceof Several);
    const known = isPlain ? texts.get(parts) : undefined;
    if (known !== undefined) return rowsOf(await connection.unsafe(known, values.map(toServer)));
    const { text, bound } = spread(parts, values, (number) => `$${number}`);
    if (isPlain) texts.set(parts, text);
    return rowsOf(await connection.unsafe(text, bound.map(toServer)));
  }
  return Object.assign(query, {
    unsafe: async (text: string) => rowsOf(await connection.unsafe(text)),
    finalize() {},
  });
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
