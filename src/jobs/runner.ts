// Work that the server does beside requests, again and again.
import type { Log } from "../core/log.ts";

export interface RecurringJob {
  /** For the log: "garbage collection". */
  name: string;
  everyMs: number;
  /** Never runs twice at a time. A failure is logged, and the next turn comes as if nothing was. */
  run(): Promise<void>;
}

/** Starts the clocks; what it returns stops them and waits for what runs. None keeps the process alive. */
export function startJobs(jobs: RecurringJob[], log: Log): () => Promise<void> {
  const running = new Map<RecurringJob, Promise<void>>();
  const timers = jobs.map((job) => {
    const timer = setInterval(() => {
      if (running.has(job)) return;
      const turn = job
        .run()
        .catch((error) => log.write("error", `${job.name} failed`, { error: String(error) }))
        .finally(() => running.delete(job));
      running.set(job, turn);
    }, job.everyMs);
    timer.unref();
    return timer;
  });
  return async () => {
    for (const timer of timers) clearInterval(timer);
    await Promise.all(running.values());
  };
}
