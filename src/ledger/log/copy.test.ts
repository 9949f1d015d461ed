// Copies of the log for backups: as their catalog knows it, brought up to date, and never half of one log and half of another.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import type { Database } from "../../store/database.ts";
import { openLogFiles } from "../../store/log-files.ts";
import { openTestDatabase } from "../../store/testkit.ts";
import { createEvents, type Events } from "../events.ts";
import { pin } from "../pins.ts";
import { checkLog, copyLog } from "./copy.ts";
import { type LedgerLog, openLog } from "./log.ts";

let folder: string;
let database: Database;
let events: Events;
let log: LedgerLog;
beforeEach(async () => {
  folder = tempFolder("copy");
  database = await openTestDatabase(join(folder, "holdfast.db"));
  const quiet = createLog("json", () => {});
  events = createEvents(database, quiet, createMetrics(), () => 5);
  log = await open();
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

const files = (name: string) => openLogFiles(join(folder, name));
const open = () => openLog({ files: files("log"), database, events, name: "log.example.test" });
async function pinSome(from: number, count: number): Promise<void> {
  const more = { size: 3, firstSeen: 7, upstream: "r.example.test", digests: null };
  await database.write(async (sql) => {
    for (let at = from; at < from + count; at += 1) {
      const key = { repository: "npm", package: "kelp", file: `kelp-${at}.tgz` };
      await pin(sql, key, { sha256: "a".repeat(64), content: null, ...more });
    }
  });
  await log.drain();
}
async function copy(): Promise<void> {
  const finish = await copyLog(database.read, files("log"), files("copy"));
  await finish();
}

test("a copy is the log as its catalog knows it, and a further one brings it up to date", async () => {
  await copy(); // of no leaf
  expect(await checkLog(database.read, files("copy"))).toEqual([]);
  for (const [from, count] of [
    [0, 300],
    [300, 1],
    [301, 400],
  ] as const) {
    await pinSome(from, count);
    await copy();
    expect(await checkLog(database.read, files("copy"))).toEqual([]);
    for (const path of ["checkpoint", "key", "tile/0/000"])
      expect(readFileSync(join(folder, "copy", path))).toEqual(
        readFileSync(join(folder, "log", path)),
      );
  }
  // The log goes on while the catalog of the copy does not.
  const [{ value }] = await database.read`SELECT value FROM log_state WHERE name = 'checkpoint'`;
  await pinSome(701, 400);
  await database.write(
    (sql) => sql`UPDATE log_state SET value = ${value} WHERE name = 'checkpoint'`,
  );
  rmSync(join(folder, "copy"), { recursive: true });
  await copy();
  expect(await checkLog(database.read, files("copy"))).toEqual([]);
  expect(readFileSync(join(folder, "copy/checkpoint"), "utf8")).toBe(value);
});

test("a copy of another log is replaced, and damage is found", async () => {
  await pinSome(0, 300);
  await copy();
  rmSync(join(folder, "log"), { recursive: true });
  log = await open(); // another key
  await events.settled();
  await log.drain();
  await copy();
  expect(await checkLog(database.read, files("copy"))).toEqual([]);
  const tile = join(folder, "copy/tile/0/000");
  const bytes = readFileSync(tile);
  bytes[5]! ^= 1;
  writeFileSync(tile, bytes);
  expect(await checkLog(database.read, files("copy"))).toContainEqual(
    expect.stringContaining("tile/0/000 of the log was changed"),
  );
  rmSync(join(folder, "log/tile/0/000"));
  rmSync(join(folder, "copy"), { recursive: true });
  await expect(copy()).rejects.toThrow("is not there");
});
