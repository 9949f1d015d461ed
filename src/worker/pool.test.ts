import { afterEach, expect, test } from "bun:test";
import { existsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { openPool } from "./testing.ts";

let pool: ReturnType<typeof openPool>;
afterEach(() => pool.end());

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (reason) => reason,
  );

/** A job's deadline follows from its size: these are long enough for the short one, and the others have all the time that they need. */
const LONG = "x".repeat(1_000);
const shortWhenLong = (bytes: number) => (bytes > LONG.length ? 200 : 60_000);

/** Keeps a lane busy until `release`. */
function hold(turn = {}) {
  const until = join(pool.root, `release-${Math.random()}`);
  const done = pool.task("wait", { until }, turn);
  return { done, release: () => writeFileSync(until, "") };
}

/** Resolves when what was given to the pool stands in its lane. */
async function waiting(lane: string, count: number): Promise<void> {
  const line = `holdfast_worker_waiting{lane="${lane}"} ${count}`;
  while (!(await pool.metrics.render()).includes(line))
    await new Promise((resolve) => setTimeout(resolve, 1));
}

test("a thread is started when first needed, once, and gives each caller its own result", async () => {
  pool = openPool();
  expect(pool.threads).toHaveLength(0);
  const results = await Promise.all([pool.task("echo", { a: 1 }), pool.task("echo", { b: [2] })]);
  expect(results).toEqual([{ a: 1 }, { b: [2] }]);
  expect(pool.threads).toHaveLength(1);
});

test("a Problem inside is the same Problem outside, and a bug is a bug", async () => {
  pool = openPool();
  const problem = await failure(pool.task("refuse"));
  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({
    kind: "tampered",
    message: "Not the toy's",
    event: "unsigned",
    detail: { a: 1 },
  });
  const bug = await failure(pool.task("bug"));
  expect(bug).not.toBeInstanceOf(Problem);
  expect(bug.message).toContain("TypeError");
  expect(bug.message).toContain("testing.ts");
  expect(pool.ended).toEqual([]);
});

for (const task of ["loop", "never"])
  test(`a job that never ends (${task}) is ended at its deadline; those behind it are done in a new thread`, async () => {
    pool = openPool({ deadlineMs: shortWhenLong });
    await pool.task("echo");
    const hanging = failure(pool.task(task, { what: "dists/toy", LONG }));
    const behind = [pool.task("echo", 1), pool.task("echo", 2)];
    const problem = await hanging;
    expect(problem).toBeInstanceOf(Problem);
    expect(problem.kind).toBe("unfinished");
    expect(problem.message).toBe(
      `The task ${task} of dists/toy did not finish within 0.2 s: it was ended`,
    );
    expect(await Promise.all(behind)).toEqual([1, 2]);
    expect(pool.threads).toHaveLength(2);
    expect(pool.ended).toEqual([{ repository: "toys", package: "dists/toy", problem }]);
  });

test("what an ended job has written so far is removed", async () => {
  pool = openPool({ deadlineMs: shortWhenLong });
  const output = join(pool.root, "output");
  await pool.derive("write", { text: "whole" });
  expect(existsSync(output)).toBe(true);
  expect((await failure(pool.derive("half", { LONG }))).kind).toBe("unfinished");
  expect(existsSync(output)).toBe(false);
});

test("a thread that dies takes the job that it is at with it, and no other", async () => {
  pool = openPool();
  for (const [task, why] of [
    ["die", "ended its thread: error: the toy broke"],
    ["exit", "ended its thread"],
  ] as const) {
    const lost = failure(pool.task(task));
    const behind = pool.task("echo", "on");
    const problem = await lost;
    expect(problem.kind).toBe("unfinished");
    expect(problem.message).toBe(`The task ${task} ${why}`);
    expect(await behind).toBe("on");
  }
  expect(pool.threads).toHaveLength(3);
  expect(pool.ended.map(({ problem }) => problem.message)).toHaveLength(2);
});

test("a thread that cannot be started fails its jobs, one by one, and is tried again", async () => {
  let isBroken = true;
  const spawn = () => {
    if (isBroken) throw new Error("no more threads");
    return new Worker(new URL("./testing.ts", import.meta.url).href);
  };
  pool = openPool({ spawn });
  const problem = await failure(pool.task("echo"));
  expect(problem).toMatchObject({
    kind: "unfinished",
    message: "The task echo could not be begun: no more threads",
  });
  isBroken = false;
  expect(await pool.task("echo", "on")).toBe("on");
});

test("nobody waits behind heavy work for what is small", async () => {
  pool = openPool();
  const heavy = hold({ isBehind: true });
  const behind = pool.task("echo", "heavy too", { isBehind: true });
  await waiting("heavy", 1);
  expect(await pool.task("echo", "small")).toBe("small");
  expect(pool.threads).toHaveLength(2);
  await waiting("heavy", 1);
  heavy.release();
  expect(await Promise.all([heavy.done, behind])).toEqual(["waited", "heavy too"]);
});

test("what is large is heavy work, by the size of its files", async () => {
  pool = openPool();
  const small = hold();
  await waiting("heavy", 0);
  const input = join(pool.root, "input");
  writeFileSync(input, "");
  truncateSync(input, 3 * 1024 * 1024);
  const task = { op: "task", format: "toy", task: "echo", inputs: [input], output: null } as const;
  expect(await pool.transform({ ...task, options: "large" })).toBe("large");
  truncateSync(input, 1024 * 1024);
  const next = pool.transform({ ...task, options: "not so large" });
  await waiting("interactive", 1);
  small.release();
  expect(await next).toBe("not so large");
  await small.done;
});

test("past its bound a lane takes no more, says so, and loses nothing that waits", async () => {
  pool = openPool({ bound: { jobs: 2, characters: 1_000 } });
  const held = hold();
  const first = pool.task("echo", 1);
  await waiting("interactive", 1);
  expect(await failure(pool.task("echo", "x".repeat(1_000)))).toMatchObject({
    kind: "busy",
    status: 503,
    message: "The task echo has to wait, and no more may: 1 interactive jobs stand before it",
  });
  const second = pool.task("echo", 2);
  await waiting("interactive", 2);
  expect((await failure(pool.task("echo", 3))).kind).toBe("busy");
  expect(await pool.task("echo", "the other lane", { isBehind: true })).toBe("the other lane");
  held.release();
  expect(await Promise.all([first, second])).toEqual([1, 2]);
  expect(pool.ended).toEqual([]);
});

test("who gives up takes the job out of the queue; what has begun is done to its end", async () => {
  pool = openPool({ bound: { jobs: 1, characters: 1_000 } });
  const running = new AbortController();
  const held = hold({ signal: running.signal });
  const leaving = new AbortController();
  const left = failure(pool.task("loop", {}, { signal: leaving.signal }));
  await waiting("interactive", 1);
  leaving.abort(new Error("gone home"));
  expect((await left).message).toBe("gone home");
  await waiting("interactive", 0);
  running.abort(new Error("too late"));
  const next = pool.task("echo", "on");
  held.release();
  expect(await held.done).toBe("waited");
  expect(await next).toBe("on");
  expect((await failure(pool.task("echo", 1, { signal: leaving.signal }))).message).toBe(
    "gone home",
  );
});

test("what is handed over is JSON, and not endless, on both ways", async () => {
  pool = openPool({ messageLimit: 1_000 });
  expect(
    await failure(pool.task("echo", { what: "thing", bytes: "x".repeat(1_000) })),
  ).toMatchObject({
    kind: "malformed",
    message: expect.stringContaining("The task echo of thing takes more"),
  });
  expect((await failure(pool.task("noJson"))).message).toContain("BigInt");
  expect(await pool.task("echo", "on")).toBe("on");
  expect(pool.threads).toHaveLength(1);
});

test("a thread that has nothing to do is ended, and another one started when there is", async () => {
  pool = openPool({ idleMs: 1 });
  await pool.task("echo");
  await new Promise((resolve) => pool.threads[0]!.addEventListener("close", resolve));
  expect(await pool.task("echo", "again")).toBe("again");
  expect(pool.threads).toHaveLength(2);
  expect(pool.ended).toEqual([]);
});

test("closing ends both lanes, what they are at and what waits for them", async () => {
  pool = openPool();
  const output = join(pool.root, "output");
  const running = failure(pool.derive("half"));
  while (!existsSync(output)) await new Promise((resolve) => setTimeout(resolve, 1));
  const lost = [
    pool.task("echo"),
    pool.task("loop", {}, { isBehind: true }),
    pool.task("echo", {}, { isBehind: true }),
  ].map(failure);
  await waiting("interactive", 1);
  await waiting("heavy", 1);
  const closed = pool.threads.map(
    (thread) => new Promise((resolve) => thread.addEventListener("close", resolve)),
  );
  await pool.close();
  for (const one of [await running, ...(await Promise.all(lost))])
    expect(one).toMatchObject({ kind: "busy", message: "The server is stopping" });
  await Promise.all(closed);
  expect(closed).toHaveLength(2);
  expect(existsSync(output)).toBe(false);
  expect(pool.ended).toEqual([]);
  expect((await failure(pool.task("echo"))).kind).toBe("busy");
});

test("how long work takes is counted by lane", async () => {
  pool = openPool();
  await pool.task("echo");
  const page = await pool.metrics.render();
  expect(page).toContain('holdfast_worker_seconds_count{lane="interactive"} 1');
  expect(page).toContain('holdfast_worker_waiting{lane="heavy"} 0');
});
