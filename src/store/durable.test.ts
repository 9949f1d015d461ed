import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "./database.ts";

let root: string;
let database: Database;
/** Each sync of the log that was asked for, and how to end it. */
let syncs: { end: () => void; fail: (error: Error) => void }[];
const sync = () =>
  new Promise<void>((resolve, reject) => {
    syncs.push({ end: resolve, fail: reject });
  });

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-durable-"));
  syncs = [];
});
afterEach(async () => {
  for (const { end } of syncs) end();
  await database.close();
  rmSync(root, { recursive: true, force: true });
});
const open = async (how = { sync }) => {
  database = await openDatabase(join(root, "holdfast.db"), how);
};
const keep = (key: string, durable: boolean) =>
  database.write(
    (sql) =>
      sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('npm', ${key}, ${new Uint8Array([1])}, ${1})`,
    { durable },
  );
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
/** Whether a promise has resolved, after all that could resolve it has had its turn. */
const hasEnded = async (promise: Promise<unknown>) => {
  let ended = false;
  promise.then(
    () => (ended = true),
    () => (ended = true),
  );
  for (let at = 0; at < 20; at += 1) await new Promise((resolve) => setImmediate(resolve));
  return ended;
};

test("a durable write resolves when the log is on the disk, and keeps others from nothing", async () => {
  await open();
  const durable = keep("a", true);
  await until(() => syncs.length === 1);
  await keep("b", false);
  expect(await hasEnded(durable)).toBe(false);
  expect(await database.read`SELECT key FROM kept ORDER BY key`).toEqual([
    { key: "a" },
    { key: "b" },
  ]);
  syncs[0]!.end();
  await durable;
});

test("what is committed while a sync runs waits for the next one, which all of it shares", async () => {
  await open();
  const first = keep("a", true);
  await until(() => syncs.length === 1);
  const later = ["b", "c", "d"].map((key) => keep(key, true));
  await until(() => database.commits >= 2);
  syncs[0]!.end();
  await first;
  await until(() => syncs.length === 2);
  for (const one of later) expect(await hasEnded(one)).toBe(false);
  syncs[1]!.end();
  await Promise.all(later);
  expect(syncs).toHaveLength(2);
});

test("a disk that does not take it is told to whom it was promised, and the next one is tried anew", async () => {
  await open();
  const lost = keep("a", true);
  await until(() => syncs.length === 1);
  syncs[0]!.fail(Object.assign(new Error("no space"), { code: "ENOSPC" }));
  expect((await lost.catch((error) => error)).kind).toBe("full");
  const next = keep("b", true);
  await until(() => syncs.length === 2);
  syncs[1]!.end();
  await next;
});

test("the log itself is synced, whatever was moved out of it before", async () => {
  database = await openDatabase(join(root, "holdfast.db"));
  for (const key of ["a", "b", "c"]) await keep(key, true);
  expect(await database.read`SELECT key FROM kept ORDER BY key`).toHaveLength(3);
});
