import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createBoard } from "./board.ts";
import { startJobs } from "./runner.ts";

const log = createLog("json", () => {});

test("a turn is told of: that it runs, how it ended, and when the next one comes", async () => {
  let now = 100;
  const board = createBoard(() => now);
  let end = (_error?: Error) => {};
  const job = {
    name: "Tide",
    everyMs: 3_600_000,
    run: () =>
      new Promise<void>((resolve, reject) => {
        end = (error) => (error ? reject(error) : resolve());
      }),
  };
  const stop = startJobs([job], log, board);
  const [before] = board.list();
  expect(before).toMatchObject({ name: "Tide", startedAt: null, isRunning: false });
  expect(before!.nextAt).toBe(100 + 3_600_000);

  now = 200;
  board.run("Tide");
  expect(board.list()).toMatchObject([{ isRunning: true, startedAt: 200, nextAt: 3_600_200 }]);
  expect(() => board.run("Tide")).toThrow("Tide runs already");
  now = 300;
  end(new Error("no water"));
  const stopped = stop();
  await stopped;
  expect(() => board.run("Tide")).toThrow("There is no job Tide");
});

test("what failed last stands until a turn goes well, and jobs of another configuration stay", async () => {
  const board = createBoard(() => 1);
  let error: Error | null = new Error("no water");
  const job = {
    name: "Tide",
    everyMs: 3_600_000,
    async run() {
      if (error) throw error;
    },
  };
  const stopFirst = startJobs([job], log, board);
  const ended = async () => {
    while (board.list()[0]!.isRunning) await Promise.resolve();
    return board.list()[0]!;
  };
  board.run("Tide");
  expect(await ended()).toMatchObject({ error: "no water", failures: 1, endedAt: 1 });
  error = null;
  board.run("Tide");
  expect(await ended()).toMatchObject({
    error: null,
    failures: 1,
    failed: { at: 1, why: "no water" },
  });
  const stopSecond = startJobs([job], log, board);
  await stopFirst();
  expect(board.list()).toHaveLength(1);
  await stopSecond();
  expect(board.list()).toEqual([]);
});
