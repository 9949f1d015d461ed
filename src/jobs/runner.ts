// Work that the server does beside requests, again and again.
import type { Log } from "../core/log.ts";

export interface RecurringJob {
  /** For the log: "Garbage collection". */
  name: string;
  everyMs: number;
  /** How long after the start its first turn comes; `everyMs` unless told. */
  firstMs?: number;
  /** Never runs twice at a time. A failure is logged, and the next turn comes as if nothing was. */
  run(): Promise<void>;
}

/** Starts the clocks; what it returns stops them and waits for what runs. None keeps the process alive. */
export function startJobs(jobs: RecurringJob[], log: Log): () => Promise<void> {
  const running = new Map<RecurringJob, Promise<void>>();
  const stops = jobs.map((job) => {
    const turn = () => {
      if (running.has(job)) return;
      const done = job
        .run()
        .catch((error) => log.write("error", `${job.name} failed`, { error: String(error) }))
        .finally(() => running.delete(job));
      running.set(job, done);
    };
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
    };
  });
  return async () => {
    for (const stop of stops) stop();
    await Promise.all(running.values());
  };
}
