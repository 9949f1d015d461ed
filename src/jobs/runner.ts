// Work that the server does beside requests, again and again.
import type { Log } from "../core/log.ts";
import type { Board } from "./board.ts";

export interface RecurringJob {
  /** For the log: "Garbage collection". */
  name: string;
  everyMs: number;
  /** How long after the start its first turn comes; `everyMs` unless told. */
  firstMs?: number;
  /** Never runs twice at a time. A failure is logged, and the next turn comes as if nothing was. */
  run(): Promise<void>;
}

/** Starts the clocks; what it returns stops them and waits for what runs. None keeps the process alive. `board`: where people see how they go. */
export function startJobs(jobs: RecurringJob[], log: Log, board?: Board): () => Promise<void> {
  const running = new Map<RecurringJob, Promise<void>>();
  const stops = jobs.map((job) => {
    const turn = () => {
      if (running.has(job)) return;
      entry?.began();
      const done = job
        .run()
        .then(
          () => null,
          (error) => {
            log.write("error", `${job.name} failed`, { error: String(error) });
            return error instanceof Error ? error.message : String(error);
          },
        )
        .then((error) => {
          running.delete(job);
          entry?.ended(error);
        });
      running.set(job, done);
    };
    const entry = board?.enter(job, job.firstMs ?? job.everyMs, turn);
    let interval: NodeJS.Timeout | undefined;
    const first = setTimeout(() => {
      interval = setInterval(turn, job.everyMs);
      interval.unref();
      turn();
    }, job.firstMs ?? job.everyMs);
    first.unref();
    return () => {
      clearTimeout(first);
      clearInterval(interval);
      entry?.leave();
    };
  });
  return async () => {
    for (const stop of stops) stop();
    await Promise.all(running.values());
  };
}
