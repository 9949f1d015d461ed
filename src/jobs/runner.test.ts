import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createBoard } from "./board.ts";
import { type RecurringJob, startJobs } from "./runner.ts";

const YEAR_MS = 2 ** 31 - 1;

function logged() {
  const lines: string[] = [];
  return { lines, log: createLog("json", (line) => lines.push(JSON.parse(line).msg)) };
}

/** Resolves at its `wanted`th turn. */
function counting(wanted: number, more: Partial<RecurringJob> = {}) {
  const reached = Promise.withResolvers<number>();
  let turns = 0;
  const job: RecurringJob = {
    name: "Counting",
    everyMs: 1,
    async run() {
      turns += 1;
      if (turns === wanted) reached.resolve(turns);
    },
    ...more,
  };
  return { job, reached: reached.promise };
}

test("a job runs again and again", async () => {
  const { job, reached } = counting(3);
  const end = startJobs([job], logged().log);
  expect(await reached).toBe(3);
  await end();
});

test("its first turn may come sooner, or later, than the others", async () => {
  const soon = counting(1, { everyMs: YEAR_MS, firstMs: 1 });
  const late = counting(1, { firstMs: YEAR_MS });
  const end = startJobs([late.job, soon.job], logged().log);
  expect(await Promise.race([soon.reached, late.reached.then(() => "late")])).toBe(1);
  await end();
});

test("a failure is logged once for all turns that end alike, and so is that it is over", async () => {
  const { lines, log } = logged();
  const again = Promise.withResolvers<void>();
  let turns = 0;
  const run = async () => {
    turns += 1;
    if (turns < 4) throw new Error("broken");
    if (turns === 4) throw new Error("broken otherwise");
    if (turns === 6) again.resolve();
  };
  const end = startJobs([{ name: "Mending", everyMs: 1, run }], log);
  await again.promise;
  await end();
  expect(lines).toEqual(["Mending failed", "Mending failed", "Mending goes well again"]);
});

test("the end waits for the turn that runs", async () => {
  const [began, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let done = false;
  const run = async () => {
    began.resolve();
    await finish.promise;
    done = true;
  };
  const end = startJobs([{ name: "Slow", everyMs: 1, run }], logged().log);
  await began.promise;
  const ended = end();
  expect(done).toBe(false);
  finish.resolve();
  await ended;
  expect(done).toBe(true);
});

test("without a schedule a job has the turns that somebody asks for, and no other", async () => {
  const { job, reached } = counting(1, { firstMs: 0 });
  const board = createBoard(() => 0);
  const end = startJobs([job], logged().log, board, undefined, false);
  const { promise: later, resolve } = Promise.withResolvers<string>();
  setTimeout(() => resolve("nothing"), 20);
  expect(await Promise.race([reached, later])).toBe("nothing");
  board.run("Counting");
  expect(await reached).toBe(1);
  await end();
});
