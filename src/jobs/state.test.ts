import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { createEvents, type Events } from "../ledger/events.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import type { RoomState } from "./room.ts";
import { type ConditionDeps, readCondition } from "./state.ts";

let root: string;
let database: Database;
let events: Events;
let now = 1_000;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-state-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  now = 1_000;
  events = createEvents(
    database,
    createLog("json", () => {}),
    createMetrics(),
    () => now,
  );
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const room: RoomState = {
  free: 100,
  total: 200,
  keepFree: 0,
  until: 0,
  wanted: 0,
  repositories: [],
};
const upstream = (isAway: boolean) => ({
  host: "registry.example",
  isAway,
  reason: isAway ? "refused the connection" : "",
  answers: 1,
  health: {
    state: isAway ? ("open" as const) : ("closed" as const),
    answeredAt: 5,
    failure: isAway ? { at: 700, why: "refused the connection" } : null,
    awaySince: isAway ? 700 : null,
    latency: null,
  },
});
const source = (isAway: boolean, offline = false) => ({
  name: "npm",
  offline,
  isHostedOnly: false,
  upstreams: () => (offline ? [] : [upstream(isAway)]),
});
const read = (changes: Partial<ConditionDeps> = {}) =>
  readCondition({
    sources: [source(false)],
    database,
    startedAt: 10,
    disk: async () => room,
    diskLow: 50,
    feeds: async () => [],
    canaries: () => null,
    ground: () => [],
    isDatabaseAway: () => false,
    now: () => now,
    ...changes,
  });

test("a bucket that is away, or a database, is told first, and what that knows is left out", async () => {
  const reason = { text: "The bucket", since: 700, about: "storage", level: "bad" } as const;
  expect(await read({ ground: () => [reason] })).toMatchObject({
    state: "degraded",
    since: 700,
    reasons: [reason],
  });
  const gone = { read: () => Promise.reject(new Error("gone")) } as unknown as Database;
  const nothing = () => Promise.reject(new Error("gone"));
  const found = { ground: () => [reason], isDatabaseAway: () => true, database: gone };
  expect(await read({ ...found, disk: nothing, feeds: nothing })).toMatchObject({
    state: "degraded",
    reasons: [reason],
    unseen: { error: 0, warn: 0 },
  });
});

test("all is well since the start, or since something was well again", async () => {
  expect(await read()).toMatchObject({ state: "serving", since: 10, reasons: [] });
  now = 20;
  events.report("npm", { kind: "upstream-up", package: "", message: "again" });
  await events.settled();
  expect(await read()).toMatchObject({ state: "serving", since: 20 });
});

test("what canaries cannot prove is told once a repository", async () => {
  const result = (repository: string, canary: "bad" | "young", state: "red" | "green") => ({
    repository,
    canary,
    state,
    why: state === "red" ? "it was sent" : null,
  });
  const results = [
    result("npm", "bad", "red"),
    result("npm", "young", "red"),
    result("go", "bad", "green"),
  ];
  const found = await read({ canaries: () => ({ at: 1, tookMs: 1, failure: null, results }) });
  expect(found).toMatchObject({
    state: "degraded",
    reasons: [
      {
        about: "canary",
        text: "It is not proven that npm enforces its rules: its canary bad is red (it was sent)",
      },
    ],
  });
});

test("where no canary could be asked that is told once, and not for each repository", async () => {
  const red = (repository: string) =>
    ({ repository, canary: "bad", state: "red", why: "no room" }) as const;
  const results = [red("npm"), red("go")];
  const found = await read({
    canaries: () => ({ at: 1, tookMs: 1, failure: "no room", results }),
  });
  expect(found.reasons.map(({ text }) => text)).toEqual([
    "It is not proven that any repository enforces its rules: no canary could be asked (no room)",
  ]);
});

test("a repository over its quota is told, and why nothing goes; one that keeps to it is not", async () => {
  const one = { fetched: 3000, quota: 1000, wanted: 2000, whyNot: null };
  const repositories = [
    { ...one, name: "npm" },
    { ...one, name: "go", whyNot: "nothing goes while its upstream is away" },
    { ...one, name: "pypi", fetched: 10, wanted: 0 },
  ];
  const found = await read({ disk: async () => ({ ...room, repositories }) });
  expect(found).toMatchObject({ state: "serving" });
  expect(found.reasons.map(({ text, about, level }) => [about, level, text])).toEqual([
    ["disk", "warn", "npm has 2.0 KiB more than its quota of 1000 B: room is being made"],
    [
      "disk",
      "warn",
      "go has 2.0 KiB more than its quota of 1000 B, and nothing goes while its upstream is away",
    ],
  ]);
});

test("what is wrong is told with its reason, its place, and since when", async () => {
  const found = await read({
    sources: [source(true)],
    disk: async () => ({ ...room, free: 10 }),
    feeds: async () => [{ name: "osv", error: "no answer", readAt: "1970-01-01T00:00:00.500Z" }],
  });
  expect(found.state).toBe("degraded");
  expect(found.since).toBe(700);
  expect(found.reasons).toMatchObject([
    { about: "upstream", since: 700, level: "bad" },
    { about: "disk", level: "bad" },
    { about: "feed", since: 500, level: "warn" },
  ]);
  expect(found.reasons[0]!.text).toBe(
    "registry.example, an upstream of npm, cannot be reached: refused the connection",
  );
  expect(found.upstreams).toMatchObject([{ repository: "npm", isAway: true }]);
});

test("offline is what it says, and events that nobody has seen are counted", async () => {
  events.report("npm", { kind: "tampered", package: "kelp", message: "other bytes" });
  events.report("npm", { kind: "orphaned", package: "kelp", message: "gone" });
  events.report("npm", { kind: "released", package: "kelp", message: "let in" });
  await events.settled();
  const found = await read({ sources: [source(false, true)] });
  expect(found).toMatchObject({ state: "offline", unseen: { error: 1, warn: 1 } });
  expect(found.reasons).toMatchObject([{ about: "events", level: "warn" }]);
});
