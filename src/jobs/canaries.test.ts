import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../core/log.ts";
import { createMetrics, type Metrics } from "../core/metrics.ts";
import { createEvents, type Events } from "../ledger/events.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { type CanaryResult, type CanaryRound, createCanaries } from "./canaries.ts";

let root: string;
let database: Database;
let events: Events;
let metrics: Metrics;
let lines: string[];
let found: Pick<CanaryRound, "results" | "failure">;
let rounds: number;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-canaries-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  metrics = createMetrics();
  lines = [];
  rounds = 0;
  found = { results: results(), failure: null };
  events = createEvents(
    database,
    createLog("json", () => {}),
    createMetrics(),
    () => clock,
  );
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const clock = Date.UTC(2026, 10, 27);
const green = (repository: string, canary: CanaryResult["canary"]): CanaryResult => ({
  repository,
  canary,
  state: "green",
  why: null,
});
/** Two repositories: in one of them nothing can be told of one canary. */
const results = (...red: string[]): CanaryResult[] =>
  [
    green("npm", "bad"),
    green("npm", "young"),
    green("go", "bad"),
    { ...green("go", "tampered"), state: "unproven" as const, why: "nothing vouches" },
  ].map((one) =>
    red.includes(`${one.repository} ${one.canary}`)
      ? { ...one, state: "red" as const, why: "it was sent" }
      : one,
  );

const start = (round = async () => found, host: string | null = null) =>
  createCanaries({
    host,
    async round(signal) {
      rounds += 1;
      signal.throwIfAborted();
      return round();
    },
    events,
    database,
    metrics,
    log: createLog("text", (line) => lines.push(line)),
    now: () => clock,
  });

async function told(): Promise<string[]> {
  await events.settled();
  return (await events.list({ limit: 100 })).map(
    ({ kind, repository, detail }) => `${kind} ${repository} ${detail?.["canary"]}`,
  );
}

const gauges = async () =>
  (await metrics.render()).split("\n").filter((line) => line.startsWith("holdfast_canary_ok{"));

async function operate(canaries: ReturnType<typeof start>, name: string) {
  const said: string[] = [];
  const { signal } = new AbortController();
  const call = { flags: new Set<string>(), progress() {}, say: (line: string) => said.push(line) };
  return { isDone: await canaries.operations[name]!({ ...call, signal } as never), said };
}

test("nothing is proven before the first round has ended, and it is when all are green", async () => {
  const canaries = start();
  expect(canaries.whyNot()).toBe("no round of canaries has ended yet");
  expect(canaries.last()).toBeNull();
  expect(await gauges()).toEqual([]);
  expect(await operate(canaries, "canary show")).toEqual({
    isDone: false,
    said: ["No round has ended yet."],
  });
  await canaries.job.run();
  expect(canaries.whyNot()).toBeNull();
  expect(await gauges()).toEqual([
    'holdfast_canary_ok{repository="npm",canary="bad"} 1',
    'holdfast_canary_ok{repository="npm",canary="young"} 1',
    'holdfast_canary_ok{repository="go",canary="bad"} 1',
  ]);
  expect(lines.filter((line) => line.includes("3 of 3 are green in 2 repositories"))).toHaveLength(
    1,
  );
  await canaries.job.run();
  expect(lines).toHaveLength(1);
});

test("one that turns red is told of once, and once when it is green again, also across a restart", async () => {
  let canaries = start();
  await canaries.run();
  expect(await told()).toEqual([]);
  found = { results: results("npm bad"), failure: null };
  await canaries.run();
  await canaries.run();
  expect(await told()).toEqual(["canary-red npm bad"]);
  expect(canaries.whyNot()).toBe("1 of 4 canaries are red");
  expect(await gauges()).toContain('holdfast_canary_ok{repository="npm",canary="bad"} 0');
  canaries = start();
  await canaries.run();
  expect(await told()).toHaveLength(1);
  found = { results: results("npm young"), failure: null };
  await canaries.run();
  expect((await told()).slice(1).sort()).toEqual(["canary-green npm bad", "canary-red npm young"]);
  // What is served no more is neither red nor green; nor is it told of when it comes back green.
  found = { results: results().slice(2), failure: null };
  await canaries.run();
  found = { results: results(), failure: null };
  await canaries.run();
  expect(await told()).toHaveLength(3);
  const [first] = await events.list({ limit: 100, kind: "canary-red" });
  expect(first!.message).toBe("The canary bad of npm is red: it was sent");
});

test("that none can be asked is told of once, not for each; and what was red before is still known after", async () => {
  const canaries = start();
  found = { results: results("go bad"), failure: null };
  await canaries.run();
  const all = results("npm bad", "npm young", "go bad");
  found = { results: all, failure: "the disk is full" };
  await canaries.run();
  await canaries.run();
  expect(await told()).toEqual(["canary-red go bad", "canary-red - all"]);
  expect((await operate(canaries, "canary show")).said).toContain(
    "None could be asked: the disk is full",
  );
  found = { results: results(), failure: null };
  await canaries.run();
  expect((await told()).slice(2).sort()).toEqual(["canary-green - all", "canary-green go bad"]);
});

test("a configuration that changes is proven anew, also when it changes during a round", async () => {
  const gates: (() => void)[] = [];
  const canaries = start(async () => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return found;
  });
  const first = canaries.run();
  while (gates.length < 1) await new Promise((resolve) => setImmediate(resolve));
  canaries.renew();
  // Who asks while one waits gets what that one brings.
  const second = canaries.run();
  gates[0]!();
  await first;
  expect(canaries.whyNot()).toBe("no round of canaries has ended since the configuration changed");
  while (gates.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gates[1]!();
  await second;
  expect(canaries.whyNot()).toBeNull();
  expect(rounds).toBe(2);
});

test("the command says what is not green, and its exit says whether all is well", async () => {
  const canaries = start();
  found = { results: results("npm bad"), failure: null };
  expect(await operate(canaries, "canary run")).toEqual({
    isDone: false,
    said: [
      "2 of 3 are green in 2 repositories (1 cannot be told): the round that ended at 2026-11-27T00:00:00.000Z took 0.0 s.",
      "npm  bad is red: it was sent",
      "go  tampered is unproven: nothing vouches",
    ],
  });
  found = { results: results(), failure: null };
  expect((await operate(canaries, "canary run")).isDone).toBe(true);
});

test("a round that is ended by the stop of the server says nothing", async () => {
  const gate = Promise.withResolvers<void>();
  const canaries = start(async () => {
    await gate.promise;
    return { results: results("npm bad"), failure: null };
  });
  const running = canaries.run();
  while (rounds === 0) await new Promise((resolve) => setImmediate(resolve));
  const stopped = canaries.stop();
  gate.resolve();
  expect(await running).toBeNull();
  await stopped;
  expect(canaries.last()).toBeNull();
  expect(await told()).toEqual([]);
});

test("of several servers each tells of its own, and takes no other's for it", async () => {
  const on = (host: string, ...red: string[]) =>
    start(async () => ({ results: results(...red), failure: null }), host).run();
  await on("a", "npm bad");
  await on("b");
  await on("b", "npm bad");
  expect(await told()).toEqual(["canary-red npm bad", "canary-red npm bad"]);
  await on("a");
  await events.settled();
  const all = await events.list({ limit: 100 });
  expect(all.map(({ message }) => message)).toEqual([
    "The canary bad of npm on a is red: it was sent",
    "The canary bad of npm on b is red: it was sent",
    "The canary bad of npm on a is green again",
  ]);
});

test("of several servers, what was told to be red is told to be green also where it was not asked meanwhile", async () => {
  const canaries = start(async () => found, "a");
  for (const these of [results("npm bad"), results().slice(2), results()]) {
    found = { results: these, failure: null };
    await canaries.run();
  }
  expect(await told()).toEqual(["canary-red npm bad", "canary-green npm bad"]);
});
