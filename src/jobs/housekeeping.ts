// What the server does for its own data: garbage goes, and the database's log into the database.
import type { Uses } from "../cache/uses.ts";
import type { Log } from "../core/log.ts";
import { type Database, logSize } from "../store/database.ts";
import type { Leases } from "../store/leases.ts";
import { collectGarbage, type GcStore, removeOldViews } from "./gc.ts";
import type { RecurringJob } from "./runner.ts";

/** The log of the database is looked at this often, and moved into the database when it is larger than that. */
const CHECKPOINT_MS = 10_000;
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const TIDY_MS = 6 * 60 * 60 * 1000;

const NOTES_MS = 60_000;

export interface House extends GcStore {
  uses: Pick<Uses, "flush">;
  database: Database;
  leases: Pick<Leases, "hasOthers">;
  /** The database's file. */
  file: string;
  /** Moves the database's log into the database, beside the loop: it syncs. */
  checkpoint(): Promise<void>;
}

export function housekeeping(house: House, log: Log): RecurringJob[] {
  const own = ofProcess(house);
  // Who collects the garbage of all removes its own views with it.
  if (house.leases.hasOthers) own.push(ownViews(house));
  return [garbageCollection(house, log), ...own];
}

/** What every process does for itself, whichever else there is. */
export function ofProcess(house: House): RecurringJob[] {
  return [checkpoints(house), lastUses(house)];
}

function ownViews({ views }: House): RecurringJob {
  return {
    name: "Removing old views",
    everyMs: TIDY_MS,
    async run() {
      await removeOldViews(views, Date.now());
    },
  };
}

function garbageCollection(house: House, log: Log): RecurringJob {
  return {
    name: "Garbage collection",
    everyMs: TIDY_MS,
    isForAll: true,
    async run() {
      const result = await collectGarbage(house, { now: Date.now() });
      log.write("info", "Collected garbage", { blobs: result.blobs, bytes: result.bytes });
    },
  };
}

/** When files were last used: see cache/uses.ts. */
function lastUses({ uses }: House): RecurringJob {
  return { name: "Writing down what was used", everyMs: NOTES_MS, run: () => uses.flush() };
}

function checkpoints({ database, file, checkpoint }: House): RecurringJob {
  let done = 0;
  return {
    name: "The database's checkpoint",
    everyMs: CHECKPOINT_MS,
    async run() {
      const { commits } = database;
      if (commits === done || (await logSize(file)) < CHECKPOINT_BYTES) return;
      await checkpoint();
      done = commits;
    },
  };
}
