// Small values that a format keeps: precious ones for ever, others for as long as there is room.
import type { OwnRepository } from "../core/repository.ts";
import type { Change, Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";

export interface KeptDeps {
  repository: string;
  database: Database;
  /** Without it what other servers keep is nobody's business. */
  changes?: Pick<Changes, "note" | "everywhere">;
  now(): number;
  limits?: KeptLimits;
}

/** Of what may be evicted, in one repository. */
export interface KeptLimits {
  rows: number;
  bytes: number;
  /** It is looked after so many writes. */
  look: number;
}

const LIMITS: KeptLimits = { rows: 100_000, bytes: 256 * 1024 * 1024, look: 500 };
/** When a value was last used is noted to the day: a read must not cost a write. */
const DAY_MS = 24 * 60 * 60 * 1000;

export function createKept(deps: KeptDeps): Pick<OwnRepository, "keep" | "kept" | "swap"> {
  const { repository: name, database, changes, now, limits = LIMITS } = deps;
  const changeOf = (key: string): Change => ({ kind: "kept", repository: name, key });
  /** A process that lives for few writes looks at its first one. */
  let writes = limits.look;

  async function keep(key: string, bytes: Uint8Array, how: { evictable?: boolean } = {}) {
    const evictable = how.evictable ? 1 : 0;
    const isTime = evictable === 1 && ++writes >= limits.look;
    if (isTime) writes = 0;
    const at = now();
    await database.write(async (sql) => {
      await sql`INSERT INTO kept (repository, key, bytes, at, evictable, used_at)
        VALUES (${name}, ${key}, ${bytes}, ${at}, ${evictable}, ${at})
        ON CONFLICT (repository, key) DO UPDATE SET bytes = excluded.bytes, at = excluded.at,
        evictable = excluded.evictable, used_at = excluded.used_at`;
      // What may go is worked out of something else, and the same everywhere.
      if (!evictable) await changes?.note(sql, changeOf(key));
      // Those used last stay, down from the newest, as long as they are within both bounds.
      if (isTime)
        await sql`DELETE FROM kept WHERE repository = ${name} AND key IN (SELECT key FROM (
          SELECT key, row_number() OVER newest AS place, sum(length(bytes)) OVER newest AS total
          FROM kept WHERE repository = ${name} AND evictable = 1
          WINDOW newest AS (ORDER BY used_at DESC, at DESC, key ROWS UNBOUNDED PRECEDING)
        ) AS ranked WHERE place > ${limits.rows} OR total > ${limits.bytes})`;
    });
  }

  async function kept(key: string) {
    const [row] = await database.read`SELECT bytes, at, evictable, used_at FROM kept
      WHERE repository = ${name} AND key = ${key}`;
    if (!row) return null;
    if (row.evictable && now() - Number(row.used_at) > DAY_MS) touch(key);
    return { bytes: row.bytes as Uint8Array, at: Number(row.at) };
  }

  /** Not waited for: at worst it goes earlier than it would. */
  function touch(key: string): void {
    const at = now();
    database
      .write(
        (sql) => sql`UPDATE kept SET used_at = ${at} WHERE repository = ${name} AND key = ${key}`,
      )
      .catch(() => {});
  }

  async function swap(key: string, bytes: Uint8Array, previous: Uint8Array | null) {
    const isSwapped = await database.write(async (sql) => {
      const rows = await (previous === null
        ? sql`INSERT INTO kept (repository, key, bytes, at) VALUES (${name}, ${key}, ${bytes}, ${now()})
          ON CONFLICT (repository, key) DO UPDATE SET bytes = excluded.bytes, at = excluded.at, evictable = 0
          WHERE length(kept.bytes) = 0 RETURNING key`
        : sql`UPDATE kept SET bytes = ${bytes}, at = ${now()}, evictable = 0
          WHERE repository = ${name} AND key = ${key} AND bytes = ${previous} RETURNING key`);
      if (rows.length > 0) await changes?.note(sql, changeOf(key));
      return rows.length > 0;
    });
    if (isSwapped) await changes?.everywhere(changeOf(key));
    return isSwapped;
  }

  return { keep, kept, swap };
}
