// Whether the database, the files that are not on this machine and the data directory can be had: asked again and again, and told in one line when one goes and when it is back.
import type { Log } from "../core/log.ts";
import { inFull, Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import { within } from "../core/within.ts";

export type Part = "database" | "bucket" | "folder" | "news";

export interface Outage {
  part: Part;
  /** In words that everybody may read. */
  why: string;
  /** With what is behind it, for operators. */
  inFull: string;
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
  /** Rejects where stored files that are not on this machine cannot be had. */
  askFiles(): Promise<unknown>;
  /** Rejects where the data directory cannot be read and written. */
  askFolder(): Promise<unknown>;
  log: Log;
  now(): number;
}

interface Trouble extends Pick<Outage, "why" | "inFull"> {
  /** Says by itself what it is about. */
  isSentence: boolean;
}

/** Who asks has less patience than a database or a disk that says nothing. */
const ASKED_MS = 2_000;
const KEPT_MS = 3_600_000;

export function createAway({ ask, isHearing, askFiles, askFolder, log, now }: AwayDeps): Away {
  const open = new Map<Part, Outage>();
  let past: Outage[] = [];

  function note(part: Part, trouble: Trouble | null): void {
    const known = open.get(part);
    if (trouble !== null && !known) {
      const { why, inFull: error } = trouble;
      open.set(part, { part, why, inFull: error, since: now(), until: null });
      if (part !== "news") log.write("warn", WORDS[part].away, { error });
    } else if (trouble === null && known) {
      open.delete(part);
      past.push({ ...known, until: now() });
      const seconds = Math.round((now() - known.since) / 1000);
      if (part !== "news") log.write("info", WORDS[part].back, { away_s: seconds });
    }
    past = past.filter(({ until }) => now() - (until ?? now()) < KEPT_MS);
  }

  return {
    async look() {
      const [database, bucket, folder] = await Promise.all([
        troubleOf(soon(ask())),
        troubleOf(askFiles()),
        troubleOf(soon(askFolder())),
      ]);
      const deaf = "what other servers change is not heard of";
      const news = isHearing() ? null : { why: deaf, inFull: deaf, isSentence: true };
      note("database", database);
      note("bucket", bucket);
      note("folder", folder);
      note("news", news);
      // Everybody may ask that: what is behind it is in the log.
      if (database !== null)
        return database.isSentence ? database.why : `the database does not answer: ${database.why}`;
      return (news ?? bucket ?? folder)?.why ?? null;
    },
    outages: () => [...past, ...open.values()],
  };
}

function soon(asked: Promise<unknown>): Promise<unknown> {
  return within(ASKED_MS, asked, () => {
    throw new Error("not within two seconds");
  });
}

async function troubleOf(asked: Promise<unknown>): Promise<Trouble | null> {
  try {
    await asked;
    return null;
  } catch (error) {
    const told = shortageOf(error) ?? error;
    const why = told instanceof Error ? told.message : String(told);
    return { why, inFull: inFull(told), isSentence: told instanceof Problem };
  }
}

const WORDS = {
  database: { away: "The database cannot be reached", back: "The database answers again" },
  bucket: { away: "The bucket cannot be reached", back: "The bucket answers again" },
  folder: {
    away: "The data directory cannot be used",
    back: "The data directory can be used again",
  },
} as const;
