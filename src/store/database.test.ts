import { Database as Sqlite } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { checkpoint, type Database, logSize, openDatabase, readDatabase } from "./database.ts";
import { lockData } from "./lock.ts";
import { CURRENT } from "./migrate.ts";
import { migrations } from "./migrations/index.ts";

let root: string;
let path: string;
let database: Database;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-database-"));
  path = join(root, "holdfast.db");
  database = await openDatabase(path);
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const keep = (key: string) =>
  database.write(
    (sql) =>
      sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('npm', ${key}, ${new Uint8Array([1])}, ${1})`,
  );
const keys = async () =>
  (await database.read`SELECT key FROM kept ORDER BY key`).map(({ key }) => key as string);

test("what was committed is there after a restart, and migrations run once", async () => {
  await keep("a");
  await database.close();
  database = await openDatabase(path);
  expect(await keys()).toEqual(["a"]);
});

test("a database of a newer program is refused and stays as it is", async () => {
  await keep("a");
  await database.close();
  const newer = new Sqlite(path);
  const { user_version: known } = newer.query("PRAGMA user_version").get() as {
    user_version: number;
  };
  newer.run("PRAGMA user_version = 999");
  newer.close();
  const error = await openDatabase(path).catch((reason) => reason);
  expect(error).toBeInstanceOf(Problem);
  expect(error.kind).toBe("conflict");
  expect(error.message).toContain("newer Holdfast (database version 999");
  const again = new Sqlite(path);
  expect(again.query("PRAGMA user_version").get()).toEqual({ user_version: 999 });
  again.run(`PRAGMA user_version = ${known}`);
  again.close();
  database = await openDatabase(path);
  expect(await keys()).toEqual(["a"]);
});

test("a checkpoint beside the running server loses nothing", async () => {
  for (let at = 0; at < 50; at += 1) await keep(`k${at}`);
  expect(await logSize(path)).toBeGreaterThan(0);
  checkpoint(path);
  await keep("after");
  expect(await keys()).toHaveLength(51);
  expect(await logSize(join(root, "none.db"))).toBe(0);
});

test("a data directory has one holder, and another when that one is gone", () => {
  const lock = join(root, "lock.db");
  const first = lockData(lock);
  expect(() => lockData(lock)).toThrow("Another Holdfast is running");
  first.release();
  lockData(lock).release();
});

test("a write that comes after the end is told so, and nothing hangs or goes unhandled", async () => {
  const other = await openDatabase(join(root, "other.db"));
  await other.close();
  const late = [1, 2].map(() => other.write((sql) => sql`DELETE FROM kept`));
  expect((await Promise.allSettled(late)).map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
  ]);
});

test("a lock that cannot be taken for another reason is not told as another server", () => {
  const broken = join(root, "broken.db");
  writeFileSync(broken, "no database ".repeat(100));
  expect(() => lockData(broken)).toThrow("file is not a database");
});

test("who only reads never migrates: the version is told where it differs, and nothing is changed", async () => {
  await keep("a");
  const reads = await readDatabase(path);
  expect(await reads.read`SELECT key FROM kept`).toEqual([{ key: "a" }]);
  await expect((async () => reads.read`DELETE FROM kept`)()).rejects.toThrow(/readonly/i);
  await reads.close();

  const server = new Sqlite(path); // as one of an older version would have it open
  for (const [version, told] of [
    [CURRENT - 1, "brings it up to date"],
    [CURRENT + 1, "A newer Holdfast is needed"],
  ] as const) {
    server.run(`PRAGMA user_version = ${version}`);
    const error = await readDatabase(path).catch((reason) => reason);
    expect(error).toBeInstanceOf(Problem);
    expect(error.message).toContain(
      `is of version ${version}, and this program speaks version ${CURRENT}`,
    );
    expect(error.message).toContain(told);
    expect(server.query("PRAGMA user_version").get()).toEqual({ user_version: version });
  }
  server.run(`PRAGMA user_version = ${CURRENT}`);
  server.close();
});

test("who only reads can while no server runs", async () => {
  await keep("a");
  await database.close();
  const reads = await readDatabase(path);
  expect(await reads.read`SELECT key FROM kept`).toEqual([{ key: "a" }]);
  await reads.close();
  database = await openDatabase(path);
});

test("a database of the first version becomes today's, with a copy of what it was", async () => {
  const old = join(root, "old.db");
  const first = new Sqlite(old, { create: true });
  first.run(migrations[0]!.sql);
  first.run("PRAGMA user_version = 1");
  first.run("INSERT INTO kept (repository, key, bytes, at) VALUES ('npm', 'a', x'01', 1)");
  first.close();
  const migrated = await openDatabase(old);
  expect(await migrated.read`SELECT key FROM kept`).toEqual([{ key: "a" }]);
  expect(await migrated.read`PRAGMA user_version`).toEqual([{ user_version: CURRENT }]);
  await migrated.close();
  const copy = new Sqlite(`${old}.version-1`, { readonly: true });
  expect(copy.query("PRAGMA user_version").get()).toEqual({ user_version: 1 });
  copy.close();
});

test("what was published before counts as it does now", async () => {
  const old = join(root, "old.db");
  const first = new Sqlite(old, { create: true });
  for (const { version, sql } of migrations) if (version <= 14) first.run(sql);
  first.run("PRAGMA user_version = 14");
  const insert = (table: string, row: Record<string, unknown>) => {
    const values = Object.values(row).map((value) => `'${value}'`);
    first.run(`INSERT INTO ${table} (${Object.keys(row)}) VALUES (${values})`);
  };
  const release = { repository: "npm", package: "a", version: "1", place: 1 };
  const published = { ...release, published_at: 1, published_by: "ann" };
  const account = "user:ann";
  insert("hosted_usage", { repository: "npm", account, files: 1, bytes: 100 });
  insert("hosted_releases", { ...published, metadata: '{"n":"é"}' });
  const file = { file: "a.tgz", kind: "any", purl: "p", path: "/a", sha256: "ab", size: 100 };
  insert("hosted_files", { ...published, ...file, account, metadata: "{}" });
  first.close();
  const migrated = await openDatabase(old);
  expect(await migrated.read`SELECT bytes FROM hosted_usage`).toEqual([{ bytes: 112 }]);
  expect(await migrated.read`SELECT account FROM hosted_releases`).toEqual([
    { account: "user:ann" },
  ]);
  await migrated.close();
});

test("facts of a package become facts of its files, with all that was known of each", async () => {
  const old = join(root, "old.db");
  const first = new Sqlite(old, { create: true });
  first.run(migrations[0]!.sql);
  first.run("PRAGMA user_version = 1");
  const facts = {
    "a.tgz": { v: "1", i: "sha512-AAAA sha1-AAAA", a: true, l: "https://files.example.test/a" },
    'b/"ß".tgz': { v: "2", i: null, g: "2026-01-01T00:00:00.000Z" },
    "c.tgz": {
      v: "3",
      i: "sha1-CCCC",
      t: { since: "2026-01-02T00:00:00.000Z", shown: "sha1-DDDD" },
    },
  };
  first.run("INSERT INTO facts (repository, package, facts) VALUES ('npm', 'p', ?)", [
    JSON.stringify(facts),
  ]);
  first.run("INSERT INTO facts (repository, package, facts) VALUES ('npm', 'none', '{}')");
  first.close();
  const migrated = await openDatabase(old);
  const rows =
    await migrated.read`SELECT file, version, integrity, is_grown, location, published_at, gone_at,
    tampered_at, tampered_shown, revision FROM facts WHERE repository = 'npm' AND package = 'p' ORDER BY file`;
  expect(rows.map((row) => Object.values(row))).toEqual([
    [
      "a.tgz",
      "1",
      "sha512-AAAA sha1-AAAA",
      1,
      "https://files.example.test/a",
      null,
      null,
      null,
      null,
      1,
    ],
    ['b/"ß".tgz', "2", null, 0, null, null, "2026-01-01T00:00:00.000Z", null, null, 1],
    ["c.tgz", "3", "sha1-CCCC", 0, null, null, null, "2026-01-02T00:00:00.000Z", "sha1-DDDD", 1],
  ]);
  expect(await migrated.read`SELECT count(*) AS files FROM facts`).toEqual([{ files: 3 }]);
  await migrated.close();
});

test("migrations stand in the order of their numbers", () => {
  const versions = migrations.map(({ version }) => version);
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
});

/** Another program that holds the database's write lock until it is told to let go. */
function holder(how: "IMMEDIATE" | "EXCLUSIVE") {
  const child = Bun.spawn(
    [
      process.execPath,
      "-e",
      `const { Database } = require("bun:sqlite");
      const database = new Database(${JSON.stringify(path)});
      database.run("BEGIN ${how}");
      console.log("held");
      process.stdin.once("data", () => { database.run("COMMIT"); process.exit(0); });`,
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const reader = child.stdout.getReader();
  return {
    held: reader.read(),
    async letGo() {
      child.stdin.write("go\n");
      child.stdin.flush();
      await child.exited;
    },
  };
}

for (const how of ["IMMEDIATE", "EXCLUSIVE"] as const)
  test(`while another program holds the database (${how}) reads are answered, the loop turns, and writes come after`, async () => {
    await keep("before");
    const other = holder(how);
    await other.held;
    let isWritten = false;
    const write = keep("meanwhile").then(() => {
      isWritten = true;
    });
    // Turns of the loop that SQLite's own waiting would swallow.
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(await keys()).toEqual(["before"]);
    }
    expect(isWritten).toBe(false);
    await other.letGo();
    await write;
    expect(await keys()).toEqual(["before", "meanwhile"]);
  });

test("a write that waits too long for another program fails as busy, with all that wait, and the next one is done", async () => {
  const impatient = await openDatabase(path, { patienceMs: 5 });
  const other = new Sqlite(path);
  other.run("BEGIN IMMEDIATE");
  const add = (key: string) =>
    impatient.write(
      (sql) =>
        sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('npm', ${key}, ${new Uint8Array([1])}, 1)`,
    );
  for (const { status, reason } of (await Promise.allSettled([
    add("a"),
    add("b"),
  ])) as PromiseRejectedResult[]) {
    expect(status).toBe("rejected");
    expect(reason).toBeInstanceOf(Problem);
    expect(reason.kind).toBe("busy");
  }
  other.run("COMMIT");
  await add("c");
  expect(await keys()).toEqual(["c"]);
  other.close();
  await impatient.close();
});

test("a checkpoint beside another program's reader or writer fails nothing, and the next one moves the rest", async () => {
  await keep("before");
  const reader = new Sqlite(path, { readonly: true });
  reader.run("BEGIN");
  reader.query("SELECT count(*) FROM kept").get();
  for (let at = 0; at < 20; at += 1) await keep(`k${at}`);
  checkpoint(path);
  expect(await keys()).toHaveLength(21);
  reader.run("COMMIT");
  reader.run("BEGIN");
  reader.query("SELECT count(*) FROM kept").get();
  const other = await openDatabase(path); // whose end finds the reader
  await other.close();
  reader.close();
  const writer = new Sqlite(path);
  writer.run("BEGIN IMMEDIATE");
  checkpoint(path);
  writer.run("ROLLBACK");
  writer.close();
  checkpoint(path);
  await keep("after");
  expect(await keys()).toHaveLength(22);
});
