import { Database as Sqlite } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { fillEvery, rowOf } from "../../test/support/every-table.ts";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { copyTable, digestOf } from "./copy-tables.ts";
import { allTables, type Table } from "./tables.ts";
import { openSqliteTarget, readSqliteTables, type SqliteTarget } from "./tables-sqlite.ts";

let folder: string;
let from: SqliteTarget;
let to: SqliteTarget;
const tables = allTables();
const named = (name: string) => tables.find((table) => table.name === name)!;
beforeEach(async () => {
  folder = tempFolder("copy-tables");
  from = await openSqliteTarget(join(folder, "from.db"));
  to = await openSqliteTarget(join(folder, "to.db"));
});
afterEach(async () => {
  await from.close();
  await to.close();
  removeTemp(folder);
});
const copy = (table: Table) => copyTable(table, from, to, () => {});

test("all tables are known, with their keys and what is in their columns", () => {
  expect(tables.length).toBeGreaterThan(45);
  expect(tables.map(({ name }) => name)).not.toContain("moves");
  const { columns, key, isCounted } = named("artifacts");
  expect(key.map((at) => columns[at]!.name)).toEqual(["repository", "package", "file"]);
  expect(isCounted).toBe(false);
  expect(named("events").isCounted).toBe(true);
  expect(Object.fromEntries(named("kept").columns.map(({ name, kind }) => [name, kind]))).toEqual({
    ...{ repository: "text", key: "text", bytes: "bytes", at: "integer", evictable: "integer" },
    used_at: "integer",
  });
});

test("a copy has the rows of its source, and nothing that triggers would write besides", async () => {
  await fillEvery(tables, from, 20);
  for (const table of tables) {
    let told = 0;
    const copied = await copyTable(table, from, to, (rows) => {
      told += rows;
    });
    expect(copied).toMatchObject({ table: table.name, rows: 20, added: 20, removed: 0 });
    expect(told).toBe(20);
  }
  for (const table of tables)
    expect({ table, ...(await digestOf(table, to)) }).toEqual({
      table,
      ...(await digestOf(table, from)),
    });
});

test("a second copy brings what is new, and takes what has gone", async () => {
  await fillEvery(tables, from, 20);
  for (const table of tables) await copy(table);
  for (const table of tables) {
    const [gone, other, more] = [rowOf(table, 3), rowOf(table, 7), rowOf(table, 40)];
    const isKey = (at: number) => table.key.includes(at);
    const changed = other.map((value, at) =>
      isKey(at) || value === null || table.columns[at]!.kind !== "text" ? value : `${value}!`,
    );
    await from.remove(table, [gone, other]);
    await from.insert(table, [changed, more]);
    const isAltered = changed.some((value, at) => value !== other[at]);
    expect(await copy(table)).toMatchObject({
      rows: 20,
      added: isAltered ? 2 : 1,
      removed: isAltered ? 2 : 1,
    });
    expect(await digestOf(table, to)).toEqual(await digestOf(table, from));
    expect(await copy(table)).toMatchObject({ rows: 20, added: 0, removed: 0 });
  }
});

test("names that change places are no obstacle", async () => {
  const tokens = named("tokens");
  const secret = tokens.columns.findIndex(({ name }) => name === "secret");
  const [one, two] = [rowOf(tokens, 1), rowOf(tokens, 2)];
  await from.insert(tokens, [one, two]);
  await copy(tokens);
  await from.remove(tokens, [one, two]);
  await from.insert(tokens, [one.with(secret, two[secret]!), two.with(secret, one[secret]!)]);
  expect(await copy(tokens)).toMatchObject({ rows: 2, added: 2, removed: 2 });
  expect(await digestOf(tokens, to)).toEqual(await digestOf(tokens, from));
});

test("large rows and many of them come in portions", async () => {
  const kept = named("kept");
  const row = (number: number) => ["", `k${number}`, "ab".repeat(300_000), "1", "0", "1"];
  await from.insert(
    kept,
    Array.from({ length: 12 }, (_, number) => row(number)),
  );
  expect(await copy(kept)).toMatchObject({ rows: 12, added: 12 });
  const absences = named("absences");
  await from.insert(
    absences,
    Array.from({ length: 3000 }, (_, number) => rowOf(absences, number)),
  );
  expect(await copy(absences)).toMatchObject({ rows: 3000, added: 3000 });
});

test("a sealed file is what a server expects of one, and one that is damaged is told", async () => {
  await fillEvery(tables, from, 2);
  await from.seal();
  const path = join(folder, "from.db");
  const file = new Sqlite(path);
  expect(() => file.run("UPDATE pins SET sha256 = ''")).toThrow("pins are final");
  file.run("UPDATE artifacts SET size = 'much'");
  file.close();
  const damaged = await readSqliteTables(path);
  await expect(digestOf(named("artifacts"), damaged)).rejects.toThrow(
    "size of a row of artifacts is string, where integer belongs",
  );
  await damaged.close();
  from = await openSqliteTarget(join(folder, "from-again.db"));
});

test("a row that cannot be stored is named", async () => {
  const pins = named("pins");
  await from.insert(pins, [rowOf(pins, 1)]);
  await expect(from.insert(pins, [rowOf(pins, 2), rowOf(pins, 1)])).rejects.toThrow(
    /SQLite does not take a row of pins \(repository ".*", package ".*", file ".*"\): UNIQUE constraint/,
  );
  expect((await digestOf(pins, from)).rows).toBe(1);
});
