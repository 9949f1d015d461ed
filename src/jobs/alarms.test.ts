import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { createEvents, type Events } from "../ledger/events.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { toldWrong, watchDisk, watchUpstreams } from "./alarms.ts";

let root: string;
let database: Database;
let events: Events;
let clock = 0;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-alarms-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  clock = Date.UTC(2026, 10, 26);
  const log = createLog("json", () => {});
  events = createEvents(database, log, createMetrics(), () => clock);
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const deps = () => ({ events, database, now: () => clock });
async function told(): Promise<string[]> {
  await events.settled();
  return (await events.list({ limit: 100 })).map(({ kind, repository }) => `${kind} ${repository}`);
}

const one = { host: "one.test", isAway: false, reason: "", answers: 1 };
let seen = [one];
const all = () => [{ name: "npm", upstreams: () => seen }];

test("an upstream that stays away is told of once, and once when it answers again", async () => {
  const watch = watchUpstreams(all, deps());
  const look = async (isAway: boolean, seconds: number, answers = 1) => {
    clock += seconds * 1000;
    seen = [{ ...one, isAway, reason: "refused the connection", answers }];
    await watch.run();
  };
  await look(false, 10);
  for (let nth = 0; nth < 20; nth += 1) await look(nth % 2 === 0, 30); // comes and goes
  expect(await told()).toEqual([]);
  for (let nth = 0; nth < 20; nth += 1) await look(true, 10);
  expect(await told()).toEqual(["upstream-down npm"]);
  await look(false, 10, 2);
  await look(false, 10, 2);
  expect(await told()).toEqual(["upstream-down npm", "upstream-up npm"]);
  const [down] = await events.list({ limit: 1, kind: "upstream-down" });
  expect(down!.message).toBe(
    "one.test, an upstream of npm, cannot be reached: refused the connection",
  );
});

test("of two servers on one database the first one that sees it tells it", async () => {
  const watches = [watchUpstreams(all, deps()), watchUpstreams(all, deps())];
  const look = async (isAway: boolean) => {
    clock += 61_000;
    seen = [{ ...one, isAway, reason: "refused the connection", answers: 1 }];
    for (const watch of watches) await watch.run();
  };
  for (const isAway of [true, true, false, true, true]) await look(isAway);
  expect(await told()).toEqual(["upstream-down npm", "upstream-up npm", "upstream-down npm"]);
});

test("across a restart neither is told twice nor forgotten", async () => {
  const start = () => watchUpstreams(all, deps());
  let watch = start();
  seen = [{ ...one, isAway: true }];
  await watch.run();
  clock += 120_000;
  await watch.run();
  expect(await told()).toEqual(["upstream-down npm"]);
  watch = start();
  await watch.run();
  clock += 120_000;
  await watch.run();
  expect(await told()).toHaveLength(1);
  watch = start();
  seen = [{ ...one, answers: 0 }]; // nobody has asked it yet
  await watch.run();
  expect(await told()).toHaveLength(1);
  seen = [one];
  await watch.run();
  await watch.run();
  expect(await told()).toEqual(["upstream-down npm", "upstream-up npm"]);
  watch = start();
  await watch.run();
  expect(await told()).toHaveLength(2);
});

test("an upstream that the configuration names no more is neither away nor back", async () => {
  const watch = watchUpstreams(all, deps());
  seen = [{ ...one, isAway: true }];
  await watch.run();
  seen = [];
  clock += 120_000;
  await watch.run();
  seen = [{ ...one, isAway: true }];
  await watch.run();
  expect(await told()).toEqual([]);
});

test("a disk with little room is told of once, and once when there is room again, also across a restart", async () => {
  let free = 200;
  let mark = 100;
  const start = () =>
    watchDisk(
      async () => free,
      () => mark,
      deps(),
    );
  let watch = start();
  const look = async (bytes: number) => {
    free = bytes;
    await watch.run();
    return (await told()).join();
  };
  expect(await look(101)).toBe("");
  expect(await look(99)).toBe("disk-low -");
  expect(await look(101)).toBe("disk-low -"); // on the mark
  watch = start();
  expect(await look(10)).toBe("disk-low -");
  expect(await look(125)).toBe("disk-low -,disk-ok -");
  mark = 0;
  expect(await look(0)).toBe("disk-low -,disk-ok -");
});

test("of several servers each tells of its own disk, and takes no other's for it", async () => {
  const start = (host: string, free: number) =>
    watchDisk(
      async () => free,
      () => 100,
      { ...deps(), host },
    );
  await start("a", 10).run();
  await start("b", 200).run();
  await start("c", 10).run();
  expect(await told()).toEqual(["disk-low -", "disk-low -"]);
  expect((await toldWrong(database, "disk-low")).map(({ host }) => host)).toEqual(["c", "a"]);
  await start("a", 200).run();
  expect(await told()).toEqual(["disk-low -", "disk-low -", "disk-ok -"]);
  expect((await toldWrong(database, "disk-low")).map(({ host }) => host)).toEqual(["c"]);
  const [ok] = await events.list({ limit: 1, kind: "disk-ok" });
  expect(ok!.message).toBe(
    "The disk that holds the data directory of a has room again: 200 B free",
  );
});
