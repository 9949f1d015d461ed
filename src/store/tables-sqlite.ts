// The rows of a catalog in SQLite's file: one that may be served meanwhile is read, and one that is made is written.
import { Database as Sqlite } from "bun:sqlite";
import { Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import { makePrivate } from "./layout.ts";
import { migrate, requireCurrent } from "./migrate.ts";
import {
  type ColumnKind,
  columnsOf,
  keyOf,
  named,
  quoted,
  type Row,
  type Table,
  type Tables,
  type TargetTables,
} from "./tables.ts";

/** A page has at most so many rows, and is whole with so many characters. */
const ROWS = 500;
const CHARACTERS = 1024 * 1024;

export interface SqliteTables extends Tables {
  close(): Promise<void>;
}

export interface SqliteTarget extends TargetTables {
  /** Its triggers are as the program needs them, and all of it is on the disk and in the one file. Closes it. */
  seal(): Promise<void>;
  close(): Promise<void>;
}

/** Throws Problem("conflict") when it is of another version than this program's. */
export async function readSqliteTables(path: string): Promise<SqliteTables> {
  const file = openRead(path);
  try {
    requireCurrent(file);
  } catch (error) {
    file.close();
    throw error;
  }
  return { ...readerOf(file), close: async () => file.close() };
}

/** A new file, or one that a copy was cut at. Throws Problem("conflict") where that was done by another version of this program. */
export async function openSqliteTarget(path: string): Promise<SqliteTarget> {
  makePrivate(path);
  const file = new Sqlite(path, { create: true, readwrite: true, safeIntegers: true });
  let reads: Sqlite;
  try {
    file.run("PRAGMA busy_timeout = 5000");
    file.run("PRAGMA journal_mode = WAL");
    file.run("PRAGMA synchronous = NORMAL");
    const isNew = Number(file.query("PRAGMA user_version").values()[0]![0]) === 0;
    if (isNew) migrate(file, path);
    requireCurrent(file);
    // What they write is copied; and what has left the source meanwhile leaves here too.
    for (const { name } of triggers(file)) file.run(`DROP TRIGGER ${quoted(name)}`);
    reads = openRead(path);
  } catch (error) {
    file.close();
    throw shortageOf(error) ?? error;
  }
  const write = (text: string, table: Table, rows: readonly Row[], valuesOf: ValuesOf) => {
    const statement = file.query(text);
    let last: Row = [];
    try {
      file.transaction(() => {
        for (const row of rows) {
          last = row;
          statement.run(...(valuesOf(table, row) as Uint8Array[]));
        }
      })();
    } catch (error) {
      throw shortageOf(error) ?? refused(table, last, error);
    }
  };
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    reads.close();
    file.close();
  };
  return {
    ...readerOf(reads),
    async remove(table, rows) {
      const { name, columns, key } = table;
      const where = key.map((at) => `${quoted(columns[at]!.name)} = ?`).join(" AND ");
      write(`DELETE FROM ${quoted(name)} WHERE ${where}`, table, rows, keysOf);
    },
    async insert(table, rows) {
      const marks = table.columns.map(() => "?").join(", ");
      const text = `INSERT INTO ${quoted(table.name)} (${columnsOf(table)}) VALUES (${marks})`;
      write(text, table, rows, allOf);
    },
    async seal() {
      const schema = new Sqlite(":memory:");
      try {
        migrate(schema, ":memory:");
        file.transaction(() => {
          for (const { sql } of triggers(schema)) file.run(sql);
        })();
        reads.close(); // nobody who reads keeps it from coming into the one file
        file.run("PRAGMA synchronous = FULL");
        file.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
      } catch (error) {
        throw shortageOf(error) ?? error;
      } finally {
        schema.close();
        await close();
      }
    },
    close,
  };
}

type ValuesOf = (table: Table, row: Row) => unknown[];

const allOf: ValuesOf = ({ columns }, row) =>
  row.map((value, at) => bound(columns[at]!.kind, value));

const keysOf: ValuesOf = ({ columns, key }, row) =>
  key.map((at) => bound(columns[at]!.kind, row[at]!));

function bound(kind: ColumnKind, value: string | null): bigint | number | string | Buffer | null {
  if (value === null || kind === "text") return value;
  if (kind === "bytes") return Buffer.from(value, "hex");
  return kind === "integer" ? BigInt(value) : Number(value);
}

function refused(table: Table, row: Row, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return new Problem("malformed", `SQLite does not take a row of ${named(table, row)}: ${why}`, {
    cause: error,
  });
}

function triggers(file: Sqlite): { name: string; sql: string }[] {
  return file
    .query<{ name: string; sql: string }, []>(
      "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    )
    .all();
}

function openRead(path: string): Sqlite {
  const file = new Sqlite(path, { readonly: true, safeIntegers: true });
  file.run("PRAGMA busy_timeout = 5000");
  return file;
}

function readerOf(file: Sqlite): Tables {
  return {
    async *rows(table) {
      const statement = file.prepare(
        `SELECT ${columnsOf(table)} FROM ${quoted(table.name)} ORDER BY ${keyOf(table)}`,
      );
      try {
        let page: Row[] = [];
        let size = 0;
        // One statement sees one moment, for as long as it runs.
        for (const one of valuesOf(statement)) {
          const row = rowOf(table, one);
          page.push(row);
          for (const value of row) size += value?.length ?? 0;
          if (page.length < ROWS && size < CHARACTERS) continue;
          yield page;
          page = [];
          size = 0;
        }
        if (page.length > 0) yield page;
      } finally {
        statement.finalize();
      }
    },
    async isEmpty({ name }) {
      return file.query(`SELECT 1 FROM ${quoted(name)} LIMIT 1`).values().length === 0;
    },
  };
}

function* valuesOf(statement: ReturnType<Sqlite["prepare"]>): Generator<unknown[]> {
  for (const row of statement.iterate()) yield Object.values(row as Record<string, unknown>);
}

/** SQLite lets a value be of another kind than its column's; the program writes none, and nobody else's is passed on. */
function rowOf(table: Table, values: unknown[]): Row {
  const row: (string | null)[] = [];
  for (const [at, value] of values.entries()) {
    const { kind } = table.columns[at]!;
    if (value === null) row.push(null);
    else if (kind === "text" && typeof value === "string") row.push(value);
    else if (kind === "integer" && typeof value === "bigint") row.push(String(value));
    else if (kind === "real" && typeof value === "number") row.push(String(value));
    else if (kind === "bytes" && value instanceof Uint8Array)
      row.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex"));
    else
      throw new Problem(
        "malformed",
        `The catalog is damaged: ${table.columns[at]!.name} of a row of ${table.name} is ${typeof value}, where ${kind} belongs`,
      );
  }
  return row;
}
