// Work that the server does beside requests, again and again.
import type { Log } from "../core/log.ts";
import { inFull, Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import { keepLease } from "../store/kept-lease.ts";
import { alone, type Leases } from "../store/leases.ts";
import type { Board } from "./board.ts";

export interface RecurringJob {
  /** For the log: "Garbage collection". */
  name: string;
  everyMs: number;
  /** How long after the start its first turn comes; `everyMs` unless told. */
  firstMs?: number;
  /** Of several servers one does it for all, and another one when that is dead. Else each does it for itself. */
  isForAll?: boolean;
  /** Never runs twice at a time. A failure is logged, the same one once an hour, and the next turn comes as if nothing was. */
  run(): Promise<void>;
}

/**
 * Starts the clocks; what it returns stops them and waits for what runs. None keeps the process alive. `board`: where people see how they go. `hasSchedule`: false
 * where each runs when it is asked to, and never by itself.
 */
export function startJobs(
  jobs: readonly RecurringJob[],
  log: Log,
  board?: Board,
  leases: Leases = alone,
  hasSchedule = true,
): () => Promise<void> {
  const running = new Map<RecurringJob, Promise<void>>();
  const ends: (() => Promise<void>)[] = [];
  const stops = jobs.map((job) => {
    const trouble = createTrouble(job.name, log);
    const kept = job.isForAll && leases.hasOthers ? keepLease(leases, `job ${job.name}`) : null;
    if (kept) ends.push(kept.release);
    const turn = () => {
      if (running.has(job)) return;
      if (!kept) return begin();
      const asked = kept.lease().then(
        (lease) => {
          running.delete(job);
          entry?.isElsewhere(lease === null);
          if (kept.isTakenOver())
            log.write("info", `${job.name}: this server does it for all from now on`);
          if (lease && !isEnded) begin();
        },
        (error) => {
          running.delete(job);
          trouble.tell(error);
        },
      );
      running.set(job, asked);
    };
    const begin = () => {
      entry?.began();
      const done = job
        .run()
        .then(
          () => {
            trouble.over();
            return null;
          },
          (error) => {
            trouble.tell(error);
            return messageOf(error);
          },
        )
        .then((error) => {
          running.delete(job);
          entry?.ended(error);
        });
      running.set(job, done);
    };
    const entry = board?.enter(job, job.firstMs ?? job.everyMs, turn);
    const stop = hasSchedule ? schedule(job, turn) : () => {};
    return () => {
      stop();
      entry?.leave();
    };
  });
  let isEnded = false;
  return async () => {
    isEnded = true;
    for (const stop of stops) stop();
    await Promise.all(running.values());
    for (const end of ends) await end();
  };
}

/** What it returns ends it. */
function schedule({ everyMs, firstMs = everyMs }: RecurringJob, turn: () => void): () => void {
  let interval: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    interval = setInterval(turn, everyMs);
    interval.unref();
    turn();
  }, firstMs);
  first.unref();
  return () => {
    clearTimeout(first);
    clearInterval(interval);
  };
}

/** A job of every second that fails for an hour is not to be all that a log says. */
const AGAIN_MS = 60 * 60 * 1000;

/** The same failure is told once an hour, and once that it is over. */
function createTrouble(name: string, log: Log) {
  let told: { text: string; at: number } | null = null;
  return {
    tell(error: unknown): void {
      const text = messageOf(error);
      const at = performance.now();
      if (told?.text === text && at - told.at < AGAIN_MS) return;
      told = { text, at };
      const seen = shortageOf(error) ?? error;
      const words = seen instanceof Problem ? inFull(seen) : String(seen);
      log.write("error", `${name} failed`, { error: words });
    },
    over(): void {
      if (told) log.write("info", `${name} goes well again`);
      told = null;
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
