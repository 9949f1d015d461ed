// The rows of a catalog in PostgreSQL: one that may be served meanwhile is read, and one that is made is written.
import { Problem } from "../core/problem.ts";
import { stateOf, told as toldError } from "./postgres-errors.ts";
import { type Connection, connectTo, type PostgresPlace, PROGRAM } from "./postgres-link.ts";
import { migratePostgres, requireCurrentPostgres } from "./postgres-schema.ts";
import {
  columnsOf,
  keyOf,
  named,
  quoted,
  type Row,
  type Table,
  type Tables,
  type TargetTables,
} from "./tables.ts";

/** A page is of about so many characters, and at most so many rows. */
const CHARACTERS = 1024 * 1024;
const ROWS = 2000;
/** A portion of rows is written in one statement, which may take its time. Milliseconds. */
const SILENCE_MS = 5 * 60_000;

export interface PostgresTables extends Tables {
  /** Throws Problem("conflict") while other processes of this program are connected to it: waits a moment for those that are just ending. */
  requireAlone(): Promise<void>;
  close(): Promise<void>;
}

export interface PostgresTarget extends TargetTables {
  /** Its triggers fire again, its numbers go on behind those that are taken, and all of it is on its disk. */
  seal(): Promise<void>;
  /** It is no copy any more that is not whole: a server may start on it. */
  arrived(): Promise<void>;
  close(): Promise<void>;
}

/** Throws Problem("conflict") when it is of another version than this program's. */
export async function readPostgresTables(place: PostgresPlace): Promise<PostgresTables> {
  const link = connectTo(place, 1, { times: { silenceMs: SILENCE_MS } });
  const { rows, isEmpty } = readerOf(link);
  try {
    await told(() => requireCurrentPostgres(link.now()));
  } catch (error) {
    await link.close();
    throw error;
  }
  return {
    rows,
    isEmpty,
    async requireAlone() {
      for (let tries = ENDING_TRIES; ; tries -= 1) {
        const others = await told(() => link.ask((sql) => sql.unsafe(OTHERS, [PROGRAM])));
        if (others.length === 0) return;
        if (tries === 0)
          throw new Problem(
            "conflict",
            `Servers are running on the database: ${others.map(({ name }: { name: string }) => name).join(", ")}. Stop them first`,
          );
        await new Promise((resolve) => setTimeout(resolve, ENDING_MS));
      }
    },
    close: () => link.close(),
  };
}

/** A connection is listed until the other side has noticed that its process is gone. */
const ENDING_TRIES = 8;
const ENDING_MS = 250;

const OTHERS = `SELECT DISTINCT application_name AS name FROM pg_stat_activity WHERE datname = current_database()
  AND application_name LIKE 'holdfast %' AND application_name <> $1 ORDER BY 1`;

/**
 * A database that is empty, or one that a copy of `from` was cut at. Throws Problem("conflict") where a server or another move has it, where it holds
 * anything else, or where it was begun by another version of this program.
 */
export async function openPostgresTarget(
  place: PostgresPlace,
  tables: readonly Table[],
  from: string,
): Promise<PostgresTarget> {
  // What is lost with a database that crashes is copied again, up to the seal.
  const times = { silenceMs: SILENCE_MS };
  const writing = connectTo(place, 1, { settings: { synchronous_commit: "off" }, times });
  const reading = connectTo(place, 1, { times });
  const close = async () => {
    // With the connection alone it would be free a moment later.
    await writing.ask((sql) => sql.unsafe("SELECT pg_advisory_unlock(4653, 1)")).catch(() => {});
    await Promise.all([writing.close(), reading.close()]);
  };
  const run = (text: string, values?: unknown[]) =>
    told(() => writing.ask((sql) => sql.unsafe(text, values)));
  const triggers = (how: "ENABLE" | "DISABLE") =>
    run(tables.map(({ name }) => `ALTER TABLE ${quoted(name)} ${how} TRIGGER USER;\n`).join(""));

  async function claim(): Promise<void> {
    const [{ held }] = await run("SELECT pg_try_advisory_lock(4653, 1) AS held");
    if (!held)
      throw new Problem(
        "conflict",
        "A Holdfast server, or another move, is running on the database",
      );
    const there: { name: string }[] = await run(
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    );
    const isOurs = there.some(({ name }) => name === "schema_version");
    if (there.length > 0 && !isOurs)
      throw new Problem(
        "conflict",
        `The database has tables of something else (${there[0]!.name}): give an empty one`,
      );
    if (isOurs) await told(() => requireCurrentPostgres(writing.now()));
    else await told(() => migratePostgres(writing.now()));
    const [move] = await run("SELECT state, other FROM moves");
    if (move?.state === "arriving" && move.other === from) return;
    if (move) throw new Problem("conflict", inTheWay(move));
    for (const { name } of tables)
      if ((await run(`SELECT 1 FROM ${quoted(name)} LIMIT 1`)).length > 0)
        throw new Problem(
          "conflict",
          "The database holds what a Holdfast server keeps: nothing is written over. Give an empty one",
        );
    await run("INSERT INTO moves (state, other, at) VALUES ('arriving', $1, $2)", [
      from,
      new Date().toISOString(),
    ]);
  }

  try {
    await claim();
    // What they write is copied; and what has left the source meanwhile leaves here too.
    await triggers("DISABLE");
  } catch (error) {
    await close();
    throw error;
  }

  async function insert(table: Table, rows: readonly Row[]): Promise<void> {
    const columns = columnsOf(table);
    try {
      await run(
        `INSERT INTO ${quoted(table.name)} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${quoted(table.name)}, $1::text::json)`,
        [recordset(table, rows)],
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (rows.length === 1) throw refused(table, rows[0]!, error);
      // Which one it was, it does not say.
      const half = rows.length >> 1;
      await insert(table, rows.slice(0, half));
      await insert(table, rows.slice(half));
    }
  }

  return {
    ...readerOf(reading),
    insert,
    async remove(table, rows) {
      const key = keyOf(table);
      await run(
        `DELETE FROM ${quoted(table.name)} WHERE (${key}) IN (SELECT ${key} FROM json_populate_recordset(NULL::${quoted(table.name)}, $1::text::json))`,
        [recordset(table, rows)],
      );
    },
    async seal() {
      for (const { name, columns, key } of tables.filter(({ isCounted }) => isCounted)) {
        const column = columns[key[0]!]!.name;
        await run(
          `SELECT setval(pg_get_serial_sequence('${quoted(name)}', '${column}'), coalesce(max(${quoted(column)}), 0) + 1, false) FROM ${quoted(name)}`,
        );
      }
      await run("ANALYZE");
      await run("SET synchronous_commit = on");
      await triggers("ENABLE"); // its commit has all before it on the disk as well
    },
    async arrived() {
      await run("DELETE FROM moves");
    },
    close,
  };
}

function inTheWay({ state, other }: { state: string; other: string }): string {
  return state === "arriving"
    ? `The database holds the half of a move from ${other}: end that one, or give an empty database`
    : `What the database holds was moved to ${other}, and is out of date: give an empty one`;
}

/** Rows as PostgreSQL makes records of them: it reads each value by the type of its column. */
function recordset({ columns }: Table, rows: readonly Row[]): string {
  const records = rows.map((row) =>
    Object.fromEntries(
      columns.map(({ name, kind }, at) => {
        const value = row[at]!;
        return [name, kind === "bytes" && value !== null ? `\\x${value}` : value];
      }),
    ),
  );
  return JSON.stringify(records);
}

/** Data that it does not take (classes 22 and 23 of SQLSTATE), and what is too long for an index or the program (54). */
function isRefusal(error: unknown): boolean {
  return /^(22|23|54)/.test(stateOf(error));
}

function refused(table: Table, row: Row, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return new Problem(
    "malformed",
    `PostgreSQL does not take a row of ${named(table, row)}: ${why}`,
    {
      cause: error,
    },
  );
}

function readerOf({ ask }: ReturnType<typeof connectTo>): Tables {
  return {
    async *rows(table) {
      const connection = await told(() => ask((sql) => sql.reserve()));
      const run = (text: string) => told(() => ask(() => (connection as Connection).unsafe(text)));
      try {
        await run("BEGIN READ ONLY");
        yield* pagesOf(table, run);
      } finally {
        await run("ROLLBACK").catch(() => {}); // it may be gone
        connection.release();
      }
    },
    isEmpty: ({ name }) =>
      told(() => ask((sql) => sql.unsafe(`SELECT 1 AS found FROM ${quoted(name)} LIMIT 1`))).then(
        (found) => found.length === 0,
      ),
  };
}

/** All tables as of one moment, one after the other. Throws Problem("conflict") when it is of another version than this program's. */
export async function readPostgresMoment(
  place: PostgresPlace,
): Promise<Pick<Tables, "rows"> & { close(): Promise<void> }> {
  const link = connectTo(place, 1, { times: { silenceMs: SILENCE_MS } });
  try {
    await told(() => requireCurrentPostgres(link.now()));
    const connection = await told(() => link.ask((sql) => sql.reserve()));
    const run = (text: string) =>
      told(() => link.ask(() => (connection as Connection).unsafe(text)));
    await run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return {
      async *rows(table) {
        yield* pagesOf(table, run);
        await run("CLOSE page");
      },
      async close() {
        await run("ROLLBACK").catch(() => {}); // it may be gone
        connection.release();
        await link.close();
      },
    };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** In a transaction. */
async function* pagesOf(
  table: Table,
  run: (text: string) => Promise<Record<string, string | null>[]>,
): AsyncGenerator<readonly Row[]> {
  await run(
    `DECLARE page NO SCROLL CURSOR FOR SELECT ${table.columns.map(selected).join(", ")} FROM ${quoted(table.name)} ORDER BY ${keyOf(table)}`,
  );
  for (let count = 4; ; ) {
    const rows = (await run(`FETCH ${count} FROM page`)).map((row) => rowOf(table, row));
    if (rows.length > 0) yield rows;
    if (rows.length < count) return;
    let size = 0;
    for (const row of rows) for (const value of row) size += value?.length ?? 0;
    const mean = Math.max(1, size / rows.length);
    count = Math.max(1, Math.min(ROWS, count * 4, Math.floor(CHARACTERS / mean)));
  }
}

/** A column as text, under a name that is none of the table's: rows are to be ordered by the column itself. */
function selected({ name, kind }: Table["columns"][number], at: number): string {
  const column = quoted(name);
  const text = kind === "bytes" ? `encode(${column}, 'hex')` : `${column}::text`;
  return `${text} AS value${at}`;
}

/** Each engine writes other numbers than whole ones in its own way: here they are as JavaScript has them. */
function rowOf({ columns }: Table, row: Record<string, string | null>): Row {
  return columns.map(({ kind }, at) => {
    const value = row[`value${at}`]!;
    return kind === "real" && value !== null ? String(Number(value)) : value;
  });
}

/** An outage in the words that people know. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isRefusal(error) ? error : toldError(error);
  }
}
