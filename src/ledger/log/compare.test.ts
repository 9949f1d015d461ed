// Two histories of one log, compared by what another server shows of it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import type { Database } from "../../store/database.ts";
import { openLogFiles } from "../../store/log-files.ts";
import { openTestDatabase } from "../../store/testkit.ts";
import { createEvents } from "../events.ts";
import { pin } from "../pins.ts";
import { compareLog } from "./compare.ts";
import { type LedgerLog, openLog } from "./log.ts";
import { readLog } from "./prove.ts";
import { hashOfOrigin } from "./witness.ts";

let folder: string;
let databases: Database[];
let log: LedgerLog;
beforeEach(async () => {
  folder = tempFolder("compare");
  databases = [];
  log = await open("log");
});
afterEach(async () => {
  for (const database of databases) await database.close();
  removeTemp(folder);
});

async function open(name: string): Promise<LedgerLog> {
  mkdirSync(join(folder, name), { recursive: true });
  const database = await openTestDatabase(join(folder, name, "holdfast.db"));
  databases.push(database);
  const quiet = createLog("json", () => {});
  const events = createEvents(database, quiet, createMetrics(), () => 5);
  const files = openLogFiles(join(folder, name, "log"));
  return openLog({ files, database, events, name: "log.example.test" });
}
async function pinSome(of: LedgerLog, from: number, count: number): Promise<void> {
  const database = databases[of === log ? 0 : 1]!;
  const more = { size: 3, firstSeen: 7, upstream: "r.example.test", digests: null };
  await database.write(async (sql) => {
    for (let at = from; at < from + count; at += 1) {
      const key = { repository: "npm", package: "kelp", file: `kelp-${at}.tgz` };
      await pin(sql, key, { sha256: "a".repeat(64), content: null, ...more });
    }
  });
  await of.drain();
}
/** What a web server gives of a folder, below a path. */
const shows = (name: string, below: string) => async (path: string) => {
  const file = join(folder, name, path.slice(below.length));
  return path.startsWith(below) && existsSync(file) ? readFileSync(file) : null;
};

test("one that goes on from the other is the same history, whichever of them is longer", async () => {
  await pinSome(log, 0, 300);
  cpSync(join(folder, "log/log"), join(folder, "older"), { recursive: true });
  await pinSome(log, 300, 300);
  cpSync(join(folder, "log/log"), join(folder, "newer"), { recursive: true });
  const older = await readLog(openLogFiles(join(folder, "older")));
  const sizes = { theirs: 300, ours: 600, verdict: "same" };
  expect(await compareLog(log, shows("older", "/-/log/"))).toMatchObject(sizes);
  expect(await compareLog(log, shows("newer", "/"))).toMatchObject({ theirs: 600, ours: 600 });
  const ahead = { theirs: 600, ours: 300, verdict: "same" };
  expect(await compareLog(older, shows("newer", "/-/log/"))).toMatchObject(ahead);
  // A witness shows what it signed, and no tiles.
  const place = `/-/log/witness/${hashOfOrigin(log.origin)}/checkpoint`;
  const witness = async (path: string) =>
    path === place ? readFileSync(join(folder, "newer/checkpoint")) : null;
  expect(await compareLog(log, witness)).toMatchObject({ verdict: "same", at: place });
  expect(await compareLog(older, witness)).toMatchObject({ ...ahead, verdict: "ahead" });
});

test("two that went on from one copy are a fork", async () => {
  await pinSome(log, 0, 260);
  cpSync(join(folder, "log"), join(folder, "other"), {
    recursive: true,
    filter: (path) => !path.includes("holdfast.db"),
  });
  const other = await open("other"); // tells of a loss: its database is empty
  await pinSome(log, 260, 5);
  await pinSome(other, 1000, 9);
  for (const [own, name] of [
    [log, "other/log"],
    [other, "log/log"],
  ] as const)
    expect(await compareLog(own, shows(name, "/-/log/"))).toMatchObject({ verdict: "fork" });
});

test("a server that knows nothing of the log, or shows another one, says so", async () => {
  await pinSome(log, 0, 1);
  await expect(compareLog(log, async () => null)).rejects.toThrow("shows no checkpoint of");
  const text = readFileSync(join(folder, "log/log/checkpoint"), "utf8");
  const named = async (path: string) =>
    path === "/checkpoint" ? Buffer.from(text.replace("log.example.test", "elsewhere")) : null;
  await expect(compareLog(log, named)).rejects.toThrow("It shows elsewhere, and nothing of");
  const forged = async () => Buffer.from(text.replace("\n1\n", "\n2\n"));
  await expect(compareLog(log, forged)).rejects.toThrow("does not hold");
});
