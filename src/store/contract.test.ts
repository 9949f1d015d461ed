// What every room may rely on, on SQLite and on PostgreSQL alike.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, tryCatalog } from "./database.ts";
import { list, tuples } from "./several.ts";
import { openTestDatabase } from "./testkit.ts";

let root: string;
let database: Database;
const open = () => openTestDatabase(join(root, "holdfast.db"));
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-contract-"));
  database = await open();
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const keep = (key: string, bytes: Uint8Array | null = new Uint8Array([1])) =>
  database.write(
    (sql) =>
      sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('npm', ${key}, ${bytes}, ${1})`,
  );
const keys = async () =>
  (await database.read`SELECT key FROM kept ORDER BY key`).map(({ key }) => key as string);

test("writes that wait at the same time share one commit, and each is given what it gave", async () => {
  const before = database.commits;
  const results = await Promise.all([
    ...Array.from({ length: 50 }, (_, at) => keep(`k${at}`)),
    database.write(async () => 42),
  ]);
  expect(database.commits - before).toBeLessThanOrEqual(2);
  expect(results.at(-1)).toBe(42);
  expect(await keys()).toHaveLength(50);
});

test("one that fails is rolled back alone, with all that it did, durable or not", async () => {
  const half = database.write(
    async (sql) => {
      await sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('npm', 'half', ${new Uint8Array([1])}, ${1})`;
      throw new Error("changed its mind");
    },
    { durable: true },
  );
  const results = await Promise.allSettled([
    keep("a"),
    half,
    keep("b"),
    keep("a", null),
    keep("c"),
  ]);
  expect(results.map(({ status }) => status === "fulfilled")).toEqual([
    true,
    false,
    true,
    false,
    true,
  ]);
  await keep("d"); // and the next one finds no transaction open
  expect(await keys()).toEqual(["a", "b", "c", "d"]);
});

test("queries that are asked at once in a write are answered in order", async () => {
  const seen = await database.write((sql) =>
    Promise.all([
      sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('npm', 'a', ${new Uint8Array()}, ${1})`,
      sql`SELECT count(*) AS total FROM kept`,
      sql`DELETE FROM kept`,
      sql`SELECT count(*) AS total FROM kept`,
    ]),
  );
  expect(seen).toEqual([[], [{ total: 1 }], [], [{ total: 0 }]]);
});

test("reads cannot write", async () => {
  await keep("a");
  await expect((async () => database.read`DELETE FROM kept`)()).rejects.toThrow(/read-?only/i);
  expect(await keys()).toEqual(["a"]);
});

test("what was committed is there after a restart", async () => {
  await keep("a");
  await database.close();
  database = await open();
  expect(await keys()).toEqual(["a"]);
});

test("a write that comes after the end is told so", async () => {
  await database.close();
  const late = [keep("a"), keep("b")];
  expect((await Promise.allSettled(late)).map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
  ]);
  database = await open();
});

test("values come back as they went in", async () => {
  const whole = new Uint8Array([9, 0, 255, 39, 92, 9]);
  await keep("'); DROP TABLE kept; --ß😀\\", whole.subarray(1, 5));
  await database.write(
    (sql) => sql`UPDATE kept SET at = ${Number.MAX_SAFE_INTEGER}, evictable = ${true}`,
  );
  const [row] = await database.read`SELECT key, bytes, at, evictable, used_at FROM kept`;
  expect(row).toEqual({
    key: "'); DROP TABLE kept; --ß😀\\",
    bytes: new Uint8Array([0, 255, 39, 92]),
    at: Number.MAX_SAFE_INTEGER,
    evictable: 1,
    used_at: 0,
  });
  expect(row.bytes.constructor).toBe(Uint8Array);
  await database.write(
    (sql) =>
      sql`INSERT INTO absences (repository, what, key, said, status, at) VALUES ('npm', 'file', '', '', ${404}, ${-1})`,
  );
  expect(
    await database.read`SELECT count(*) AS total, ${"x"} = 'x' AS same, 7 AS seven FROM absences WHERE at = ${-1}`,
  ).toEqual([{ total: 1, same: 1, seven: 7 }]);
  await database.write(
    (sql) =>
      sql`INSERT INTO events (at, kind, repository, package, version, message, detail) VALUES (1, 'k', 'r', 'p', ${undefined}, 'm', '{}')`,
  );
  expect(await database.read`SELECT id, version, file FROM events`).toEqual([
    { id: 1, version: null, file: null },
  ]);
});

test("text is sorted and compared byte by byte", async () => {
  for (const key of ["a", "B", "_", "ä", "Z", "-", "aa", "a-"]) await keep(key);
  expect(await keys()).toEqual(["-", "B", "Z", "_", "a", "a-", "aa", "ä"]);
  const after =
    await database.read`SELECT key FROM kept WHERE key > ${"Z"} AND key < ${"aa"} ORDER BY key`;
  expect(after.map(({ key }) => key)).toEqual(["_", "a", "a-"]);
});

test("a query takes lists and rows of values", async () => {
  const rows = ["a", "b", "c", "d", "e"].map((key) => ["npm", key, new Uint8Array([1]), 1]);
  const added = await database.write(
    (sql) =>
      sql`INSERT INTO kept (repository, key, bytes, at) VALUES ${tuples(rows)} RETURNING key`,
  );
  expect(added).toHaveLength(5);
  const found = async (wanted: string[]) =>
    (
      await database.read`SELECT key FROM kept WHERE repository = ${"npm"} AND key IN (${list(wanted)}) AND at = ${1} ORDER BY key`
    ).map(({ key }) => key);
  expect(await found(["e", "x", "b", "a"])).toEqual(["a", "b", "e"]);
  expect(await found(["c"])).toEqual(["c"]);
  expect(await found([])).toEqual([]);
});

test("what is final is final, and totals follow the artifacts", async () => {
  await database.write(async (sql) => {
    await sql`INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream) VALUES ('npm', 'a', 'a.tgz', 'x', 1, 1, 'u')`;
    await sql`INSERT INTO events (at, kind, repository, package, message, detail) VALUES (1, 'tampered', 'npm', 'a', 'm', '{}')`;
    await sql`INSERT INTO audit (at, action, kind, principal, address, detail) VALUES (1, 'publish', 'user', 'ann', 'x', '{}')`;
    for (const [file, size] of Object.entries({ "a.tgz": 10, "b.tgz": 5 }))
      await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path) VALUES ('npm', 'a', ${file}, '1', 'p', 'x', ${size}, 1, 'u', '/')`;
  });
  for (const text of [
    "UPDATE pins SET sha256 = 'y'",
    "DELETE FROM pins",
    "UPDATE events SET message = ''",
    "DELETE FROM events",
    "UPDATE audit SET principal = 'ben'",
    "DELETE FROM audit",
  ])
    await expect(database.write((sql) => sql.unsafe(text))).rejects.toThrow("final");
  const totals = () => database.read`SELECT repository, files, bytes FROM totals`;
  expect(await totals()).toEqual([{ repository: "npm", files: 2, bytes: 15 }]);
  await database.write((sql) => sql`DELETE FROM artifacts WHERE file = 'a.tgz'`);
  expect(await totals()).toEqual([{ repository: "npm", files: 1, bytes: 5 }]);
});

test("whether a catalog can be read is seen by rows of its own", async () => {
  await tryCatalog(database.read);
  const rename = (from: string, to: string) =>
    database.write((sql) => sql.unsafe(`ALTER TABLE ${from} RENAME TO ${to}`));
  await rename("users", "elsewhere");
  await expect(tryCatalog(database.read)).rejects.toThrow("users");
  await rename("elsewhere", "users");
  await tryCatalog(database.read);
});
