import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { packError } from "./transform.ts";
import { createWorker, type FromWorker, type ToWorker } from "./worker.ts";

/** A thread that a test plays. */
class PlayedThread {
  onmessage: ((event: { data: FromWorker }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly got: ToWorker[] = [];
  ended = false;
  postMessage(message: ToWorker): void {
    this.got.push(message);
  }
  terminate(): void {
    this.ended = true;
  }
  answer(data: Omit<FromWorker, "id">, at = 0): void {
    this.onmessage?.({ data: { id: this.got[at]!.id, ...data } });
  }
}

function setUp() {
  const threads: PlayedThread[] = [];
  const worker = createWorker(() => {
    const thread = new PlayedThread();
    threads.push(thread);
    return thread as unknown as Worker;
  });
  const job = (input: string) => worker.transform({ op: "checkpoint", input });
  return { threads, worker, job };
}

test("is started when first needed, once, and answers each job with its own result", async () => {
  const { threads, worker, job } = setUp();
  expect(threads).toHaveLength(0);
  const [first, second] = [job("a"), job("b")];
  expect(threads).toHaveLength(1);
  expect(threads[0]!.got.map((message) => message.job)).toMatchObject([
    { input: "a" },
    { input: "b" },
  ]);
  threads[0]!.answer({ result: "B" }, 1);
  threads[0]!.answer({ result: "A" }, 0);
  expect((await Promise.all([first, second])) as unknown).toEqual(["A", "B"]);
  worker.close();
});

test("a Problem inside is the same Problem outside, and a bug is a bug", async () => {
  const { threads, worker, job } = setUp();
  const expected = job("a");
  threads[0]!.answer({ error: packError(new Problem("malformed", "Not a document")) });
  await expect(expected).rejects.toMatchObject({ kind: "malformed", message: "Not a document" });
  const bug = job("b");
  threads[0]!.answer({ error: packError(new TypeError("undefined is not a function")) }, 1);
  const error = await bug.catch((reason) => reason);
  expect(error).not.toBeInstanceOf(Problem);
  expect(error.message).toContain("undefined is not a function");
  worker.close();
});

test("one that dies takes its jobs with it, with the reason, and is replaced", async () => {
  const { threads, worker, job } = setUp();
  const lost = [job("a"), job("b")];
  threads[0]!.onerror?.({ message: "out of memory" });
  for (const one of lost) await expect(one).rejects.toThrow("The worker died: out of memory");
  expect(threads[0]!.ended).toBe(true);
  const next = job("c");
  expect(threads).toHaveLength(2);
  threads[1]!.answer({ result: "C" });
  expect((await next) as unknown).toBe("C");
  worker.close();
});

test("closing ends the thread and those who wait for it", async () => {
  const { threads, worker, job } = setUp();
  const waiting = job("a");
  worker.close();
  await expect(waiting).rejects.toThrow("stopping");
  expect(threads[0]!.ended).toBe(true);
});
