// The files of the append-only log, as servers that share one show them.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import { createEvents } from "../ledger/events.ts";
import type { LedgerLog } from "../ledger/log/log.ts";
import { openSharedLog } from "../ledger/log/shared.ts";
import { pin } from "../ledger/pins.ts";
import type { Database } from "../store/database.ts";
import { openLogFiles } from "../store/log-files.ts";
import { openTestDatabase, twoServers } from "../store/testkit.ts";
import { logFile } from "./log.ts";

let folder: string;
let database: Database;
let isAway = false;
let ours: LedgerLog;
let theirs: LedgerLog;
beforeEach(async () => {
  folder = tempFolder("shown-log");
  isAway = false;
  database = await openTestDatabase(join(folder, "holdfast.db"));
  const quiet = createLog("json", () => {});
  const read = ((parts: TemplateStringsArray, ...values: unknown[]) => {
    if (isAway) throw new Problem("busy", "The database cannot be reached");
    return database.read(parts, ...values);
  }) as Database["read"];
  const deps = {
    files: openLogFiles(join(folder, "log")),
    database: { read, write: database.write, commits: 0, close: database.close },
    events: createEvents(database, quiet, createMetrics(), () => 5),
    name: "log.example.test",
  };
  const { first, second } = await twoServers(database);
  ours = await openSharedLog({ ...deps, leases: first.leases });
  theirs = await openSharedLog({ ...deps, leases: second.leases });
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

async function pinOne(file: string): Promise<void> {
  const what = { sha256: "a".repeat(64), size: 3, firstSeen: 7, upstream: "r", digests: null };
  await database.write((sql) =>
    pin(sql, { repository: "npm", package: "kelp", file }, { ...what, content: null }),
  );
  await ours.drain();
}

const shown = async (path: string, log: LedgerLog) => {
  const { body } = await logFile(path, log);
  return Buffer.from(body as Uint8Array).toString("latin1");
};

test("no server shows less than another one did: neither of the checkpoint nor of the tiles that it names", async () => {
  await pinOne("a");
  expect(await shown("tile/0/000.p/1", theirs)).toBe(await shown("tile/0/000.p/1", ours));
  await pinOne("b");
  expect(await shown("checkpoint", theirs)).toBe(await shown("checkpoint", ours));
});

test("where the others cannot be heard of nothing is shown that may be old", async () => {
  await pinOne("a");
  await logFile("checkpoint", theirs);
  isAway = true;
  for (const path of ["checkpoint", "tile/0/000.p/2"])
    expect(await logFile(path, theirs).catch((error) => error.status)).toBe(503);
  expect(await shown("tile/0/000.p/1", theirs)).toBe(await shown("tile/0/000.p/1", ours));
});
