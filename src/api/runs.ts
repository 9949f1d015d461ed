// Long work that the API started: it goes on when nobody asks, and what became of it is told for a while.
import { randomUUID } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Operations, Wanted } from "../jobs/operations.ts";

/** Ended ones beyond that are forgotten, the oldest first. */
const REMEMBERED = 100;
const LINES = 200;

export interface Run {
  id: string;
  name: string;
  repository: string;
  by: string;
  startedAt: number;
  endedAt: number | null;
  /** `incomplete`: it ended, and not all was well. */
  state: "running" | "done" | "incomplete" | "failed";
  progress: { done: number; total: number; note: string } | null;
  /** What it said, the last lines of it. */
  lines: string[];
  error: string | null;
}

export interface Runs {
  /** Throws the Problem of what cannot be begun: there is no such operation, its like runs. */
  start(wanted: Wanted, by: string): Promise<Run>;
  /** The newest first. */
  list(): Run[];
  find(id: string): Run | null;
  /** Has it end before its time. */
  stop(id: string): void;
}

export function createRuns(operations: Pick<Operations, "run">, now: () => number): Runs {
  const runs = new Map<string, { run: Run; stopping: AbortController }>();

  function forget(): void {
    const ended = [...runs.values()].filter(({ run }) => run.endedAt !== null);
    for (const { run } of ended.slice(0, Math.max(0, runs.size - REMEMBERED))) runs.delete(run.id);
  }

  return {
    async start(wanted, by) {
      const stopping = new AbortController();
      const run: Run = {
        id: randomUUID(),
        name: wanted.name,
        repository: wanted.repository,
        by,
        startedAt: now(),
        endedAt: null,
        state: "running",
        progress: null,
        lines: [],
        error: null,
      };
      const done = operations
        .run(wanted, {
          progress(done, total, note) {
            run.progress = { done, total, note };
          },
          say(line) {
            run.lines.push(line);
            if (run.lines.length > LINES) run.lines.shift();
          },
          signal: stopping.signal,
        })
        .then(
          (isComplete) => {
            run.state = isComplete ? "done" : "incomplete";
          },
          (error: unknown) => {
            run.state = "failed";
            run.error = error instanceof Problem ? error.message : "Internal error";
            return error;
          },
        )
        .finally(() => {
          run.endedAt = now();
        });
      // What cannot be begun at all is told at once.
      const begun = new Promise<void>((resolve) => setImmediate(resolve));
      const failure = await Promise.race([done, begun]);
      if (failure instanceof Problem) throw failure;
      runs.set(run.id, { run, stopping });
      forget();
      return run;
    },
    list: () => [...runs.values()].map(({ run }) => run).reverse(),
    find: (id) => runs.get(id)?.run ?? null,
    stop: (id) => runs.get(id)?.stopping.abort(),
  };
}
