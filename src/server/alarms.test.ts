// What calls for somebody on several servers: one of them looks for all that live.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { alarmNames } from "../core/alarm.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { createEvents } from "../ledger/events.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { openAlarms } from "./alarms.ts";
import type { Generation } from "./generation.ts";
import type { Ground } from "./ground.ts";

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = tempFolder("alarms-of-several");
  database = await openTestDatabase(join(folder, "holdfast.db"));
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

test("a disk is low that a living server told to be, and not that of one that is gone", async () => {
  const log = createLog("json", () => {});
  const metrics = createMetrics();
  const now = () => 0;
  const events = createEvents(database, log, metrics, now);
  for (const host of ["a", "b", "c"])
    events.report("-", { kind: "disk-low", package: "", message: "Low", detail: { host } });
  await events.settled();
  const ground = {
    ...{
      shared: { database, events, now },
      metrics,
      log,
      host: "a",
      follower: null,
      away: { outages: () => [] },
    },
    ...{
      series: {},
      disk: async () => ({ free: 100 }),
      tally: { startedAt: 0 },
      auth: { audit: {} },
    },
    nodes: { list: () => [{ host: "a" }, { host: "b" }] },
  };
  const off = alarmNames.filter((name) => name !== "disk-low");
  const current = { held: [], own: [], config: { diskLow: 10, alarms: { off } } };
  const alarms = openAlarms(() => current as unknown as Generation, ground as unknown as Ground);
  await alarms.job.run();
  // What it told of itself it knows better by now.
  expect((await alarms.open()).map(({ subject }) => subject)).toEqual(["disk of b"]);
});
