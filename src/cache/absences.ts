// What an upstream said that it does not have. Its no stays a no while it cannot be asked: clients ask for much that need not exist
// (each prefix of an import path, say), and only a no makes them go on.
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "../store/database.ts";

/** `document`: kind, key. `view`: kind, key, variant. `file`: package, file. `question`: path. `format`: its own key. */
export type Asked = "document" | "view" | "file" | "question" | "format";

export interface Absence {
  /** What clients were told; of a question, who answered. */
  said: string;
  /** 404 or 410. */
  status: number;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface AbsenceDeps {
  repository: string;
  database: Database;
  /** Why the upstream cannot be asked, or null. */
  unavailable(): string | null;
  now(): number;
  /** How many are kept; the oldest go first. */
  limit?: number;
}

export interface Absences {
  keep(what: Asked, key: readonly string[], said: string, status?: number): Promise<void>;
  find(what: Asked, key: readonly string[]): Promise<Absence | null>;
  /**
   * The error that a client gets. A no of the upstream is kept. An upstream that could not be asked is taken at its last word: its no in
   * place of the failure, when it said no before, at `since` (milliseconds since the epoch) or later.
   */
  explain(what: Asked, key: readonly string[], error: unknown, since?: number): Promise<unknown>;
  /** The upstream has it after all. */
  forget(what: Asked, key: readonly string[]): Promise<void>;
}

const LIMIT = 100_000;
/** Rows are counted once for so many that were kept. */
const COUNTED_EVERY = 1000;
/** No name is that long; what is would fill the catalog. Characters. */
const LONGEST_KEY = 1000;
const LONGEST_WORD = 500;

export function createAbsences(deps: AbsenceDeps): Absences {
  const { repository, database, now, limit = LIMIT } = deps;
  let untilCounted = 1; // also when no process lives long enough for so many

  async function keep(what: Asked, parts: readonly string[], said: string, status = 404) {
    const key = JSON.stringify(parts);
    if (key.length > LONGEST_KEY) return;
    const isDue = --untilCounted === 0;
    if (isDue) untilCounted = Math.min(COUNTED_EVERY, limit);
    await database.write(async (sql) => {
      await sql`INSERT INTO absences (repository, what, key, said, status, at) VALUES (${repository}, ${what}, ${key}, ${said.slice(0, LONGEST_WORD)}, ${status}, ${now()})
        ON CONFLICT (repository, what, key) DO UPDATE SET
        said = excluded.said, status = excluded.status, at = excluded.at`;
      // Those of the same millisecond as the first one too many go with it.
      if (isDue)
        await sql`DELETE FROM absences WHERE repository = ${repository} AND at <= (
          SELECT at FROM absences WHERE repository = ${repository} ORDER BY at DESC LIMIT 1 OFFSET ${limit})`;
    });
  }

  async function find(what: Asked, parts: readonly string[]): Promise<Absence | null> {
    const [row] = await database.read`SELECT said, status, at FROM absences
      WHERE repository = ${repository} AND what = ${what} AND key = ${JSON.stringify(parts)}`;
    return row ? { said: row.said, status: Number(row.status), at: Number(row.at) } : null;
  }

  async function explain(
    what: Asked,
    parts: readonly string[],
    error: unknown,
    since = 0,
  ): Promise<unknown> {
    if (!(error instanceof Problem)) return error;
    if (error.kind === "notFound") {
      // A rule of this house is no word of the upstream, and neither is a no that was kept.
      if (error.rule === null && deps.unavailable() === null)
        await keep(what, parts, error.message).catch(() => {}); // a full disk keeps no client from its answer
      return error;
    }
    if (!isSilence(error)) return error;
    const known = await find(what, parts);
    return known && known.at >= since ? remembered(known, error) : error;
  }

  return {
    keep,
    find,
    explain,
    async forget(what, parts) {
      if (await find(what, parts))
        await database.write((sql) => forgetAbsence(sql, repository, what, parts));
    },
  };
}

/** In the transaction that stores what is there after all. */
export async function forgetAbsence(
  sql: Query,
  repository: string,
  what: Asked,
  parts: readonly string[],
): Promise<void> {
  await sql`DELETE FROM absences
    WHERE repository = ${repository} AND what = ${what} AND key = ${JSON.stringify(parts)}`;
}

/** The upstream said neither yes nor no. What came and was wrong (tampered) is there. */
export function isSilence(error: unknown): error is Problem {
  return error instanceof Problem && ["offline", "unreachable", "refused"].includes(error.kind);
}

function remembered({ said, at }: Absence, cause: Problem): Problem {
  const day = new Date(at).toISOString().slice(0, 10);
  return new Problem("notFound", `${said} (as it was on ${day}; it cannot be asked now)`, {
    cause,
  });
}
