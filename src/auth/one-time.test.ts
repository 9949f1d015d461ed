import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createOneTime, type OneTime } from "./one-time.ts";

let root: string;
let database: Database;
let clock: number;
let one: OneTime;
/** Of another server on the same database. */
let other: OneTime;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-once-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  clock = 1_000_000;
  [one, other] = [createOneTime(database, () => clock), createOneTime(database, () => clock)];
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

test("what is put is taken once, by the same user, whichever server answers", async () => {
  const key = await one.put("ann", "hf_secret");
  expect(await other.take("bob", key)).toBeNull();
  expect(await other.take("ann", key)).toBe("hf_secret");
  expect(await one.take("ann", key)).toBeNull();
  for (const wrong of ["", "x", key.slice(1), `${key}AA`, "é"])
    expect(await one.take("ann", wrong)).toBeNull();
});

test("it is over after a minute, and nothing of it stays or can be read without its key", async () => {
  const key = await one.put("ann", "hf_secret");
  const [row] = await database.read`SELECT * FROM shown_once`;
  expect(Buffer.from(row.sealed).toString("latin1")).not.toContain("hf_secret");
  expect(JSON.stringify(row)).not.toContain(key);
  clock += 60_000;
  expect(await one.take("ann", key)).toBeNull();
  await one.put("ann", "one");
  clock += 60_000;
  await one.put("ann", "two");
  expect(await database.read`SELECT user_name FROM shown_once`).toHaveLength(1);
});

test("those that nobody fetches fill nothing", async () => {
  const few = createOneTime(database, () => clock, 3);
  for (let at = 0; at < 4; at += 1) await few.put("ann", "text");
  expect(await database.read`SELECT user_name FROM shown_once`).toHaveLength(1);
});
