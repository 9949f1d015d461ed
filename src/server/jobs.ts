// What the server does beside requests, and how that follows a changed configuration.
import type { Config } from "../config/resolve.ts";
import type { Log } from "../core/log.ts";
import { housekeeping, ofProcess } from "../jobs/housekeeping.ts";
import type { Operations } from "../jobs/operations.ts";
import { type RecurringJob, startJobs } from "../jobs/runner.ts";
import { scrub } from "../jobs/scrub.ts";
import { tellWarnings } from "../jobs/warnings.ts";
import type { Generation } from "./generation.ts";
import type { Ground } from "./ground.ts";

export interface Jobs {
  /** What is due again and again for these repositories, in place of what was for those before. */
  follow(generation: Pick<Generation, "config" | "own">, operations: Operations): Promise<void>;
  /** Starts nothing more, and resolves when what runs has ended. */
  stop(): Promise<void>;
}

/**
 * `warnings`: what is to be said of the server as a whole. `isFirst`: the other processes of a server see to what is theirs alone. `hasSchedule`: false where
 * nothing is done before it is asked for.
 */
export function startServerJobs(
  ground: Ground,
  watching: readonly RecurringJob[],
  warnings: () => Promise<string[]>,
  isFirst: boolean,
  hasSchedule = true,
): Jobs {
  const { shared, layout, pool, log, board } = ground;
  const { leases } = shared;
  const file = layout.database;
  const checkpoint = () => pool.transform({ op: "checkpoint", input: file });
  const ended: Promise<void>[] = [];
  const house = { ...shared, file, checkpoint };
  const startAll = (all: readonly RecurringJob[]) =>
    startJobs(all, log, board, leases, hasSchedule);
  const endHouse = startAll(
    isFirst
      ? [
          ...housekeeping(house, log),
          { name: "The append-only log", everyMs: LEAVES_MS, run: ground.ledgerLog.drain },
          ...watching,
        ]
      : ofProcess(house),
  );
  let endTurns = async () => {};
  let scrubbing = { everyMs: 0, end: () => {} };

  function scrubEvery(everyMs: Config["scrub"]): void {
    if (everyMs === scrubbing.everyMs) return;
    scrubbing.end();
    const ending = new AbortController();
    const endScrub = startAll(scrub({ ...shared, everyMs, signal: ending.signal }, log));
    scrubbing = {
      everyMs,
      end() {
        ending.abort();
        ended.push(endScrub());
      },
    };
  }

  return {
    async follow({ config, own }, operations) {
      scrubEvery(config.scrub);
      ended.push(endTurns()); // what runs of them runs on
      const telling = tellWarnings(own, log, warnings);
      const refreshing = refreshSources(own, log);
      endTurns = startAll([telling, ...refreshing, ...operations.turns()]);
      // Said once more tomorrow. The configuration is at work by now, whether or not this can be looked up.
      await telling.run().catch((error) =>
        log.write("error", "What is to be said of the configuration could not be looked up", {
          error: String(error),
        }),
      );
    },
    async stop() {
      scrubbing.end();
      ended.push(endTurns(), endHouse());
      await Promise.all(ended);
    },
  };
}

/** How often what happened becomes leaves: each time costs some syncs of the disk. */
const LEAVES_MS = 1_000;

/** How often it is looked which code hosts are to be asked again. */
const LOOK_MS = 30_000;

/** A look that is still under way is not begun again. */
function refreshSources(own: Generation["own"], log: Log): RecurringJob[] {
  return own
    .filter(({ sources }) => sources.claims.length > 0)
    .map(({ repository, sources, hold }) => ({
      name: `sources of ${repository.name}`,
      isForAll: true,
      everyMs: LOOK_MS,
      async run() {
        const release = hold?.();
        const say = (line: string) =>
          log.write("info", line, { repository: repository.name, job: "sources" });
        try {
          await sources.refresh({ isDue: true, say });
        } finally {
          release?.();
        }
      },
    }));
}
