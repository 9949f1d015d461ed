// Where work goes that would hold up the loop: to the lane where somebody waits for it, or to that of heavy work.
import type { Metrics } from "../core/metrics.ts";
import type { Problem } from "../core/problem.ts";
import {
  type Call,
  deadlineOf,
  type Job,
  type LaneName,
  laneOf,
  outputOf,
  subjectOf,
  type Transform,
  weigh,
} from "./job.ts";
import { type Bound, createLane, type Lane } from "./lane.ts";
import { MESSAGE_LIMIT, packJob } from "./message.ts";

const BOUND: Bound = { jobs: 1_000, characters: 128 * 1024 * 1024 };

/** A job that had to be ended, as an operator must hear of it. */
export interface Ended {
  /** Null for the server's own work. */
  repository: string | null;
  package: string;
  version?: string;
  problem: Problem;
}

export interface PoolOptions {
  /** Makes a thread: one that was given `serveJobs`. */
  spawn(): Worker;
  metrics: Metrics;
  ended(ended: Ended): void;
  /** Of each lane. Tests set the following. */
  bound?: Bound;
  deadlineMs?(bytes: number): number;
  idleMs?: number;
  messageLimit?: number;
}

export interface Pool {
  transform: Transform;
  /** Ends what runs and what waits: both are told that the server stops. */
  close(): Promise<void>;
}

export function createPool(options: PoolOptions): Pool {
  const { spawn, bound = BOUND, deadlineMs = deadlineOf, idleMs, messageLimit } = options;
  const make = (name: LaneName): Lane => createLane({ name, spawn, bound, idleMs });
  const lanes = { interactive: make("interactive"), heavy: make("heavy") };
  const seconds = options.metrics.histogram(
    "holdfast_worker_seconds",
    "Work beside the loop, with the time that it waited",
  );
  options.metrics.gauge(
    "holdfast_worker_waiting",
    "Jobs that wait for a thread",
    () => Object.entries(lanes).map(([lane, { waiting }]) => [{ lane }, waiting]),
    { addsUp: true },
  );

  async function transform(job: Job, call: Call = {}): Promise<unknown> {
    const begun = performance.now();
    const { what, ...subject } = subjectOf(job);
    const message = packJob(job, what, messageLimit ?? MESSAGE_LIMIT);
    const bytes = (await weigh(job)) + message.length;
    const lane = laneOf(job, bytes, call);
    try {
      return await lanes[lane].run({
        message,
        what,
        deadlineMs: deadlineMs(bytes),
        output: outputOf(job),
        signal: call.signal,
        ended: (problem) =>
          options.ended({ ...subject, repository: call.repository ?? null, problem }),
      });
    } finally {
      seconds.observe({ lane }, (performance.now() - begun) / 1000);
    }
  }

  return {
    transform: transform as Transform,
    async close() {
      await Promise.all([lanes.interactive.close(), lanes.heavy.close()]);
    },
  };
}
