// For the tests of every room that has a database: on SQLite, or on PostgreSQL where HOLDFAST_TEST_POSTGRES names the folder of a server's socket.
import { appendFileSync, existsSync } from "node:fs";
import { dirname } from "node:path";
import { SQL } from "bun";
import { type Database, openDatabase } from "./database.ts";
import { createLeases } from "./leases.ts";
import { migrations } from "./migrations/index.ts";
import { type Ask, BEAT_MS, createNodes, type Nodes } from "./nodes.ts";
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
  // Connections that have seen the tables before are much faster than new ones: they stay.
  own.opened ??= await openPostgres(placed(folder, own.name));
  const { opened } = own;
  const altered = () => {
    own.isAltered = true;
  };
  const before = opened.commits;
  let isClosed = false;
  own.isOpen = true;
  return {
    read: noting(opened.read, altered),
    get commits() {
      return opened.commits - before;
    },
    async write(work, how) {
      if (isClosed) throw new Error("The database is closed");
      return opened.write((sql) => work(noting(sql, altered)), how);
    },
    async close() {
      await opened.write(async () => {}); // after all that wait
      isClosed = true;
      own.isOpen = false;
    },
  };
}

/** Where a database of its own is, for a test of PostgreSQL itself. */
export async function placeOf(path: string): Promise<PostgresPlace> {
  if (folder === null) throw new Error("HOLDFAST_TEST_POSTGRES names no server");
  const own = await databaseOf(path);
  own.isAltered = true;
  return placed(folder, own.name);
}

function placed(host: string, database: string): PostgresPlace {
  return {
    host,
    port: 5432,
    database,
    user,
    password: null,
    passwordFile: null,
    tls: null,
    connections: 5,
  };
}

/** Whether tests are to run on PostgreSQL. */
export const onPostgres = folder !== null;

/** A database for a whole server, to be dropped behind it. */
export async function databaseOfServer(): Promise<{ place: PostgresPlace; drop(): Promise<void> }> {
  if (folder === null) throw new Error("HOLDFAST_TEST_POSTGRES names no server");
  servers += 1;
  const name = `server_${process.pid}_${servers}`;
  server ??= connect();
  await (await server).unsafe(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  return {
    place: placed(folder, name),
    async drop() {
      await (await server!).unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
let servers = 0;

interface Own {
  readonly name: string;
  opened?: Database;
  isOpen: boolean;
  /** Nobody else may have it. */
  isAltered: boolean;
}

/** By the path that it stands for. */
const databases = new Map<string, Own>();
let server: Promise<SQL> | null = null;

/** One whose folder has gone is emptied and taken again: making one writes a whole folder, and waits for a checkpoint. */
async function databaseOf(path: string): Promise<Own> {
  const known = databases.get(path);
  if (known) return known;
  for (const [old, own] of databases)
    if (own.opened && !own.isOpen && !own.isAltered && !existsSync(dirname(old))) {
      databases.delete(old);
      databases.set(path, own);
      await empty(own.opened);
      return own;
    }
  const name = `test_${process.pid}_${databases.size}`;
  const own = { name, isOpen: false, isAltered: false };
  databases.set(path, own);
  server ??= connect();
  await (await server).unsafe(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  return own;
}

async function empty(opened: Database): Promise<void> {
  const tables = await opened.read.unsafe(`SELECT relname AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'schema_version'`);
  const filled = await opened.read.unsafe(
    tables
      .map(({ name }) => `SELECT '${name}' AS name WHERE EXISTS (SELECT 1 FROM ${name})`)
      .join(" UNION ALL "),
  );
  const names = filled.map(({ name }) => name).join(", ");
  if (names !== "") await opened.write((sql) => sql.unsafe(`TRUNCATE ${names} RESTART IDENTITY`));
}

const TEMPLATE = `holdfast_${Bun.hash(migrations.map(forPostgres).join()).toString(36)}`;

/** The template is made by the first process that needs it. */
async function connect(): Promise<SQL> {
  const sql = client("postgres");
  await sql.unsafe("SELECT pg_advisory_lock(1)");
  const found = await sql.unsafe(`SELECT 1 FROM pg_database WHERE datname = '${TEMPLATE}'`);
  if (found.length === 0) {
    await sql.unsafe(`CREATE DATABASE ${TEMPLATE} TEMPLATE template0`);
    const template = await openPostgres(placed(folder!, TEMPLATE));
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

/** Without a connection of its own. */
export function askThrough(database: Pick<Database, "write">): Ask {
  return (text, ...values) => database.write((sql) => sql(text, ...values));
}

/** Two servers that share a database, and know each other. `die`: the second one is stopped for long enough, and buried by the first. */
export async function twoServers(database: Database) {
  const world = testNodes(askThrough(database));
  const made = [world.node(), world.node()].map((nodes) => ({
    nodes,
    leases: createLeases({ nodes, ask: world.askOf(nodes) }),
  }));
  const [first, second] = [made[0]!, made[1]!];
  await world.pass(2, [first.nodes, second.nodes]);
  return { world, first, second, die: () => world.pass(6, [first.nodes]) };
}

/** Servers that share a database, in one process, with time that passes when it is told to. `skewMs`: how wrong a node's clock is. */
export function testNodes(ask: Ask) {
  const startedAt = Date.UTC(2026, 0, 1);
  let elapsed = 0;
  const cuts = new Set<Nodes>();
  const asks = new Map<Nodes, Ask>();
  return {
    startedAt,
    node(skewMs = 0): Nodes {
      const bounded: Ask = (text, ...values) =>
        cuts.has(nodes) ? Promise.reject(new Error("The line is cut")) : ask(text, ...values);
      const now = () => startedAt + elapsed + skewMs;
      const nodes = createNodes({ ask: bounded, now, elapsed: () => elapsed });
      asks.set(nodes, bounded);
      return nodes;
    },
    askOf: (nodes: Nodes): Ask => asks.get(nodes)!,
    /** Whether this one cannot reach the database. */
    cut(nodes: Nodes, isCut: boolean) {
      if (isCut) cuts.add(nodes);
      else cuts.delete(nodes);
    },
    sleep(milliseconds: number) {
      elapsed += milliseconds;
    },
    /** So many seconds pass, in each of which these beat. */
    async pass(seconds: number, living: readonly Nodes[]) {
      for (let second = 0; second < seconds; second += 1) {
        elapsed += BEAT_MS;
        for (const nodes of living) await nodes.turn();
      }
    },
  };
}
