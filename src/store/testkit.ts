// For the tests of every room that has a database: on SQLite, or on PostgreSQL where HOLDFAST_TEST_POSTGRES names the folder of a server's socket.
import { appendFileSync, existsSync } from "node:fs";
import { dirname } from "node:path";
import { SQL } from "bun";
import { type Database, openDatabase } from "./database.ts";
import { migrations } from "./migrations/index.ts";
import { openPostgres, type PostgresPlace } from "./postgres.ts";
import { forPostgres } from "./postgres-schema.ts";
import type { Query } from "./query.ts";

/** Null: the tests run on SQLite. */
const folder = process.env["HOLDFAST_TEST_POSTGRES"] || null;
/** Where the text of each template is noted that ran on PostgreSQL, for test/postgres/queries.test.ts. */
const noted = process.env["HOLDFAST_TEST_QUERIES"] || null;
const user = "holdfast";

/** Opens the database of `path`, the same each time. Another test may have it when the folder of `path` has gone. */
export async function openTestDatabase(path: string): Promise<Database> {
  if (folder === null) return openDatabase(path);
  const own = await databaseOf(path);
  const opened = await openPostgres({ folder, user, database: own.name });
  own.isOpen = true;
  const altered = () => {
    own.isAltered = true;
  };
  return {
    read: noting(opened.read, altered),
    get commits() {
      return opened.commits;
    },
    write: (work, how) => opened.write((sql) => work(noting(sql, altered)), how),
    async close() {
      await opened.close();
      own.isOpen = false;
    },
  };
}

/** Where the database of `path` is, for a test of PostgreSQL itself. */
export async function placeOf(path: string): Promise<PostgresPlace> {
  if (folder === null) throw new Error("HOLDFAST_TEST_POSTGRES names no server");
  const own = await databaseOf(path);
  own.isAltered = true;
  return { folder, user, database: own.name };
}

/** By the path that it stands for. */
const databases = new Map<string, { name: string; isOpen: boolean; isAltered: boolean }>();
let server: Promise<SQL> | null = null;

/** One whose folder has gone is emptied and taken again: making one writes a whole folder, and waits for a checkpoint. */
async function databaseOf(path: string) {
  const known = databases.get(path);
  if (known) return known;
  const free = [...databases].find(
    ([old, { isOpen, isAltered }]) => !isOpen && !isAltered && !existsSync(dirname(old)),
  );
  const own = { name: `test_${process.pid}_${databases.size}`, isOpen: false, isAltered: false };
  if (free) {
    databases.delete(free[0]);
    own.name = free[1].name;
    await empty(own.name);
  }
  databases.set(path, own);
  if (free) return own;
  server ??= connect();
  await (await server).unsafe(`CREATE DATABASE ${own.name} TEMPLATE ${TEMPLATE}`);
  return own;
}

async function empty(name: string): Promise<void> {
  const sql = client(name);
  const tables: { name: string }[] =
    await sql.unsafe(`SELECT relname AS name FROM pg_class WHERE relkind = 'r'
    AND relnamespace = 'public'::regnamespace AND relname <> 'schema_version'`);
  const filled: { name: string }[] = await sql.unsafe(
    tables
      .map((table) => `SELECT '${table.name}' AS name WHERE EXISTS (SELECT 1 FROM ${table.name})`)
      .join(" UNION ALL "),
  );
  if (filled.length > 0)
    await sql.unsafe(`TRUNCATE ${filled.map((table) => table.name).join(", ")} RESTART IDENTITY`);
  await sql.close();
}

const TEMPLATE = `holdfast_${Bun.hash(migrations.map(forPostgres).join()).toString(36)}`;

/** The template is made by the first process that needs it. */
async function connect(): Promise<SQL> {
  const sql = client("postgres");
  await sql.unsafe("SELECT pg_advisory_lock(1)");
  const found = await sql.unsafe(`SELECT 1 FROM pg_database WHERE datname = '${TEMPLATE}'`);
  if (found.length === 0) {
    await sql.unsafe(`CREATE DATABASE ${TEMPLATE} TEMPLATE template0`);
    const template = await openPostgres({ folder: folder!, user, database: TEMPLATE });
    await template.close();
  }
  await sql.unsafe("SELECT pg_advisory_unlock(1)");
  return sql;
}

function client(database: string): SQL {
  return new SQL({
    adapter: "postgres",
    path: `${folder}/.s.PGSQL.5432`,
    username: user,
    database,
    max: 1,
  });
}

const seen = new Set<string>();

function noting(sql: Query, altered: () => void): Query {
  const query = (parts: TemplateStringsArray, ...values: unknown[]) => {
    const text = parts.raw.join("?");
    if (noted !== null && !seen.has(text)) appendFileSync(noted, `${JSON.stringify(text)}\n`);
    seen.add(text);
    return sql(parts, ...values);
  };
  return Object.assign(query, {
    // Triggers that make a write fail are written as in migrations.
    unsafe(text: string) {
      if (!/\bTRIGGER\b/.test(text)) return sql.unsafe(text);
      altered();
      return sql.unsafe(forPostgres({ version: 0, sql: text }));
    },
    finalize: sql.finalize,
  });
}
