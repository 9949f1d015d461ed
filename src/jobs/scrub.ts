// Hashes every stored file again, slowly and again and again: what nobody asks for must not rot unseen.
import { isNamed } from "../cache/named.ts";
import type { Soundness } from "../cache/soundness.ts";
import type { Log } from "../core/log.ts";
import { isUndone, type Problem } from "../core/problem.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import type { RecurringJob } from "./runner.ts";

/** How often it is looked whether a round is due. */
const LOOK_MS = 60_000;
/** How far a round has come is kept after so many files: a restart does not begin it anew. */
const KEPT_AFTER = 200;

export interface ScrubDeps {
  blobs: Blobs;
  database: Database;
  soundness: Soundness;
  now(): number;
  /** Between the beginnings of two rounds. Milliseconds; 0 for none. */
  everyMs: number;
  /** Aborted when the server stops. */
  signal: AbortSignal;
}

/** A round: when it began, the last digest that was looked at, and whether it came to its end. */
interface Round {
  began: number;
  after: string;
  isDone: boolean;
}

export function scrub(deps: ScrubDeps, log: Log): RecurringJob[] {
  const { blobs, database, soundness, now, everyMs, signal } = deps;
  if (everyMs === 0) return [];

  async function read(): Promise<Round> {
    const [row] =
      await database.read`SELECT bytes FROM kept WHERE repository = '' AND key = 'scrub'`;
    if (row) return JSON.parse(Buffer.from(row.bytes).toString());
    // What came before the first round was proven just now, or by a version that kept no count.
    const first = { began: now(), after: "", isDone: true };
    await keep(first);
    return first;
  }

  async function keep(round: Round): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(round));
    await database.write(
      (
        sql,
      ) => sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('', 'scrub', ${bytes}, ${now()})
        ON CONFLICT (repository, key) DO UPDATE SET bytes = excluded.bytes, at = excluded.at`,
    );
  }

  async function run(): Promise<void> {
    let round = await read();
    const age = now() - round.began;
    // A round that began in the future began before the clock was put back.
    if (round.isDone && age >= 0 && age < everyMs) return;
    if (round.isDone) round = { began: now(), after: "", isDone: false };
    let files = 0;
    let damaged = 0;
    for await (const sha256 of blobs.list()) {
      if (sha256 <= round.after) continue;
      if (await isNamed(database.read, sha256)) {
        files += 1;
        if (!(await check(sha256))) damaged += 1;
      }
      if (signal.aborted) return keep(round); // this one may not have been hashed to its end
      round.after = sha256;
      if (files % KEPT_AFTER === 0) await keep(round);
    }
    await keep({ ...round, isDone: true });
    log.write(damaged > 0 ? "error" : "info", "Hashed every stored file again", { files, damaged });
  }

  /** A file that cannot be read is told, and keeps the others from nothing. */
  async function check(sha256: string): Promise<boolean> {
    try {
      return await soundness.check(sha256);
    } catch (error) {
      if (signal.aborted) return true;
      // Where it is kept is away: that says nothing of this one, and the next would wait as long. A disk may fail at one file alone.
      if (isUndone(error) && (error as Problem).kind !== "unusable") throw error;
      log.write("error", "A stored file cannot be read", { sha256, error: String(error) });
      return false;
    }
  }

  // Servers that share a catalog share the files too: one reads the bucket for all.
  return [{ name: "Hashing stored files again", everyMs: LOOK_MS, isForAll: true, run }];
}
