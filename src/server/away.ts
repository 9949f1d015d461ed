// Whether the database and the files that are not on this machine can be had: asked again and again, and told in one line when one goes and when it is back.
import type { Log } from "../core/log.ts";
import { inFull } from "../core/problem.ts";
import { within } from "../core/within.ts";

export type Part = "database" | "bucket" | "news";

export interface Outage {
  part: Part;
  /** In words. */
  why: string;
  /** Milliseconds since the epoch, as it was seen here. */
  since: number;
  /** Null while it lasts. */
  until: number | null;
}

export interface Away {
  /** Asks now. What keeps the server from being ready, in words; null where nothing does. Never rejects. */
  look(): Promise<string | null>;
  /** What is away, and what was within the last hour, as it was last seen. */
  outages(): readonly Outage[];
}

export interface AwayDeps {
  /** A question that only the database can answer. */
  ask(): Promise<unknown>;
  /** Whether what other servers change is heard of. */
  isHearing(): boolean;
  /** Why stored files that are not on this machine cannot be had; null where they can. */
  filesTrouble(): Promise<string | null>;
  log: Log;
  now(): number;
}

/** Who asks has less patience than a database that says nothing. */
const ASKED_MS = 2_000;
const KEPT_MS = 3_600_000;

export function createAway({ ask, isHearing, filesTrouble, log, now }: AwayDeps): Away {
  const open = new Map<Part, Outage>();
  let past: Outage[] = [];

  function note(part: Part, why: string | null): void {
    const known = open.get(part);
    if (why !== null && !known) {
      open.set(part, { part, why, since: now(), until: null });
      if (part !== "news") log.write("warn", WORDS[part].away, { error: why });
    } else if (why === null && known) {
      open.delete(part);
      past.push({ ...known, until: now() });
      const seconds = Math.round((now() - known.since) / 1000);
      if (part !== "news") log.write("info", WORDS[part].back, { away_s: seconds });
    }
    past = past.filter(({ until }) => now() - (until ?? now()) < KEPT_MS);
  }

  async function databaseTrouble(): Promise<{ message: string; inFull: string } | null> {
    try {
      await within(ASKED_MS, ask(), () => {
        throw new Error("not within two seconds");
      });
      return null;
    } catch (error) {
      const { message } = error as Error;
      return { message, inFull: inFull(error) };
    }
  }

  return {
    async look() {
      const [database, bucket] = await Promise.all([databaseTrouble(), filesTrouble()]);
      const news = isHearing() ? null : "what other servers change is not heard of";
      note("database", database?.inFull ?? null);
      note("bucket", bucket);
      note("news", news);
      // Everybody may ask that: what is behind it is in the log.
      if (database !== null) return `the database does not answer: ${database.message}`;
      return news ?? bucket;
    },
    outages: () => [...past, ...open.values()],
  };
}

const WORDS = {
  database: { away: "The database cannot be reached", back: "The database answers again" },
  bucket: { away: "The bucket cannot be reached", back: "The bucket answers again" },
} as const;
