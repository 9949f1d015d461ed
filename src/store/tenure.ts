// Whether the files are still this catalog's: what lies beside them must be a word that this catalog gave. One that was put back to an earlier state, or a
// copy that goes its own way, does not know the last word, and removes nothing. See docs/decisions/0062-whose-files-they-are-now.md.
import { randomBytes } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Database, Query, ReadDatabase } from "./database.ts";

/** Which of the words it is, and something that no copy can guess. */
export interface Word {
  number: number;
  token: string;
}

/** Where the word lies: beside the files, and not in the catalog. */
export interface Beside {
  /** For people: "the bucket s3://packages". */
  readonly name: string;
  /** Null where nobody has left one. `version`: for `write`. Throws a Problem where the files are another catalog's, or it cannot be asked. */
  read(): Promise<{ word: Word | null; version: string | null }>;
  /** False where somebody else has written meanwhile. */
  write(word: Word, version: string | null): Promise<boolean>;
}

export interface Tenure {
  /** Why nothing may be removed, in a sentence without a period; null where it may. Looks again after some seconds. Never rejects. */
  whyNot(): Promise<string | null>;
  /** Throws Problem("conflict") where nothing may be removed. Looks now. */
  require(): Promise<void>;
  /**
   * Throws Problem("busy") where another catalog goes on with the files beside this one: what was published here would be garbage to it. One that was put
   * back alone stores as ever.
   */
  requireNoOther(): Promise<void>;
  /** As it was seen last, with since when that is so. Milliseconds since the epoch. */
  seen(): { why: string; since: number } | null;
  /** Leaves another word, unless the last one is not known here. Throws a Problem where that cannot be done now. */
  renew(): Promise<void>;
}

/** As many as others can have left since the one that a stopped process still writes. */
const KNOWN = 64;
/** A removal of many files does not ask for each. Milliseconds. */
const LOOK_MS = 5_000;
/** As often as others may write at the same moment. */
const TRIES = 5;
const KEY = "tenure";

/** `told`: of a change of what may be removed, in words; null when all may again. */
export function openTenure(
  database: Database,
  beside: Beside,
  now: () => number,
  told: (why: string | null) => void = () => {},
  lookMs = LOOK_MS,
): Tenure {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let seen: { why: string; since: number } | null = null;
  /** The first words that were not this catalog's: two are enough. Who leaves another one lives, and is not known to have ended where no more come. */
  const strange = new Set<string>();
  let looking: Promise<string | null> | null = null;

  function note(why: string | null): string | null {
    lookedAt = performance.now();
    const before = seen?.why ?? null;
    if (why !== before) told(why);
    seen = why === null ? null : { why, since: seen?.since ?? now() };
    return why;
  }

  async function look(): Promise<string | null> {
    try {
      const { word } = await beside.read();
      if (isOurs(word, await readWords(database.read))) {
        strange.clear();
        return note(null);
      }
      if (strange.size < 2) strange.add(word!.token);
      return note(behind(beside));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // That nobody can be asked now says nothing, and is told elsewhere.
      return error.kind === "conflict" ? note(error.message) : error.message;
    }
  }

  async function renew(): Promise<void> {
    for (let tries = TRIES; tries > 0; tries -= 1) {
      const next = await announce(database, beside, isOurs);
      if (!next) return void note(behind(beside));
      if (await next.leave()) return void note(null);
    }
    throw crowded(beside);
  }

  const tenure: Tenure = {
    async whyNot() {
      if (performance.now() - lookedAt < lookMs) return seen?.why ?? null;
      looking ??= look().finally(() => {
        looking = null;
      });
      return looking;
    },
    async require() {
      const why = await look();
      if (why !== null) throw new Problem("conflict", why);
    },
    async requireNoOther() {
      if ((await tenure.whyNot()) === null || strange.size < 2) return;
      throw new Problem(
        "busy",
        `Another copy of the catalog is in use, and the files in ${beside.name} are that one's: what is published here would be removed there. Stop one of the two; if that is the other one, start this one again`,
      );
    },
    seen: () => seen,
    async renew() {
      try {
        await renew();
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== "conflict") throw error;
        note(error.message);
      }
    },
  };
  return tenure;
}

/** The same for who only reads. Throws a Problem where it cannot be asked. */
export async function whyNot(database: ReadDatabase, beside: Beside): Promise<string | null> {
  const { word } = await beside.read();
  return isOurs(word, await readWords(database.read)) ? null : behind(beside);
}

/** The files are this catalog's from now on, whatever lies beside them. False where they are already. */
export async function takeTenure(database: Database, beside: Beside): Promise<boolean> {
  for (let tries = TRIES; tries > 0; tries -= 1) {
    const next = await announce(database, beside, (...given) => !isOurs(...given));
    if (!next) return false;
    if (await next.leave()) return true;
  }
  throw crowded(beside);
}

/** Writes another word into the catalog, which then can be left beside the files; null where what lies there is not `wanted`. */
async function announce(
  database: Database,
  beside: Beside,
  wanted: typeof isOurs,
): Promise<{ leave(): Promise<boolean> } | null> {
  // Read before the catalog: a word is written there before it lies beside the files.
  const { word, version } = await beside.read();
  const next = await database.write(
    async (sql) => {
      const words = await readWords(sql);
      return wanted(word, words) ? give(sql, words, word) : null;
    },
    { durable: true },
  );
  return next && { leave: () => beside.write(next, version) };
}

function crowded({ name }: Beside): Problem {
  return new Problem(
    "busy",
    `What lies beside the files in ${name} is written by others all the time`,
  );
}

/** Of words that were left long ago, as before a move there and back, only the number is known. */
function isOurs(word: Word | null, words: readonly Word[]): boolean {
  if (word === null || words.some(({ token }) => token === word.token)) return true;
  return word.number < (words[0]?.number ?? 0);
}

/** In the catalog before it lies anywhere: cut in between, the one of before still counts. */
async function give(sql: Query, words: readonly Word[], before: Word | null): Promise<Word> {
  const last = Math.max(0, before?.number ?? 0, ...words.map(({ number }) => number));
  const word = { number: last + 1, token: randomBytes(8).toString("hex") };
  const bytes = Buffer.from(JSON.stringify([...words, word].slice(-KNOWN)));
  await sql`DELETE FROM kept WHERE repository = '' AND key = ${KEY}`;
  await sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('', ${KEY}, ${bytes}, 0)`;
  return word;
}

async function readWords(sql: Query): Promise<Word[]> {
  const [row] = await sql`SELECT bytes FROM kept WHERE repository = '' AND key = ${KEY}`;
  return row ? JSON.parse(Buffer.from(row.bytes).toString()) : [];
}

function behind({ name }: Beside): string {
  return `The catalog does not know what was last written beside the files in ${name}: it was put back to an earlier state, or another copy of it is in use. What it does not name may be named there, so nothing is removed. Where this is the one that goes on: \`holdfast move --take-over\``;
}
