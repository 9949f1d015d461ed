// For tests: a thread whose only format is a toy, with work that goes wrong in every way. Also the pool on it.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { AnyFormat } from "../core/format.ts";
import { createMetrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import { reply } from "../core/reply.ts";
import type { Task } from "../core/task.ts";
import { createPool, type Ended, type PoolOptions } from "./pool.ts";
import { serveJobs } from "./serve.ts";

const forEver = () => {
  for (;;);
};

const tasks: Record<string, Task> = {
  echo: async ({ options }) => options,
  loop: async () => forEver(),
  never: () => new Promise(() => {}),
  /** Leaves half a file. */
  async half({ write }) {
    await write("x".repeat(1_000_000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    forEver();
  },
  async die() {
    setTimeout(() => {
      throw new Error("the toy broke");
    });
    await new Promise(() => {});
  },
  exit: async () => process.exit(1),
  async refuse() {
    throw new Problem("tampered", "Not the toy's", { event: "unsigned", detail: { a: 1 } });
  },
  bug: async () => (undefined as unknown as { no: string }).no,
  noJson: async () => 1n,
  async write({ options, write }) {
    await write(options.text);
  },
  /** Goes on once the file is there. */
  async wait({ options }) {
    while (!existsSync(options.until)) await new Promise((resolve) => setTimeout(resolve, 1));
    return "waited";
  },
};

const toy: AnyFormat = {
  name: "toy",
  options: z.unknown(),
  documents: {},
  artifacts: {},
  parse: () => null,
  access: () => ({ action: "read", package: null }),
  mount: () => ({ serve: async () => reply(500, "text/plain", "") }),
  problem: (problem) => reply(problem.status, "text/plain", problem.message),
  tasks,
  setup: () => [],
};

/** A pool on threads of the toy, and a folder. */
export function openPool(changes: Partial<PoolOptions> = {}) {
  const root = mkdtempSync(join(tmpdir(), "holdfast-worker-"));
  const threads: Worker[] = [];
  const ended: Ended[] = [];
  const metrics = createMetrics();
  const pool = createPool({
    spawn() {
      const thread = new Worker(import.meta.url, { smol: true });
      threads.push(thread);
      return thread;
    },
    metrics,
    ended: (one) => ended.push(one),
    ...changes,
  });
  return {
    ...pool,
    root,
    metrics,
    /** All that were ever started. */
    threads,
    ended,
    /** In the interactive lane unless `turn` says otherwise. */
    task(task: string, options: unknown = {}, turn: Parameters<typeof pool.transform>[1] = {}) {
      return pool.transform(
        { op: "task", format: "toy", task, options, inputs: [], output: null },
        { repository: "toys", ...turn },
      );
    },
    derive(task: string, options: unknown = {}) {
      const output = join(root, "output");
      const job = { op: "task", format: "toy", task, options, inputs: [], output } as const;
      return pool.transform(job);
    },
    async end() {
      await pool.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

declare const self: Worker;
if (!Bun.isMainThread) serveJobs(self, [toy]);
