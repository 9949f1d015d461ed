// What the server knows of its backups: whoever makes one says so when it ends, so that one that stays away is noticed here too.
import type { Metrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import type { Database, Query, ReadDatabase } from "../store/database.ts";
import type { HouseOperations } from "./house.ts";

/** Times are milliseconds since the epoch. */
export interface BackupsSeen {
  /** The last one that came to its end; null for none that was told of. */
  last: { at: number; to: string; missing: number } | null;
  /** The last that did not, after that; null for none. */
  failed: { at: number; to: string; why: string } | null;
}

/** How one ended. `why`: a sentence where it failed; null where it did not. `missing`: files that the catalog names and nobody has. */
export interface BackupEnd {
  to: string;
  missing: number;
  why: string | null;
}

const KEY = "backups";
const NONE: BackupsSeen = { last: null, failed: null };

export async function readBackups({ read }: ReadDatabase): Promise<BackupsSeen> {
  return readRow(read);
}

async function readRow(sql: Query): Promise<BackupsSeen> {
  const [row] = await sql`SELECT bytes FROM kept WHERE repository = '' AND key = ${KEY}`;
  return row ? JSON.parse(Buffer.from(row.bytes).toString()) : NONE;
}

export async function noteBackup(
  database: Pick<Database, "write">,
  { to, missing, why }: BackupEnd,
  now: number,
): Promise<void> {
  await database.write(async (sql) => {
    const next: BackupsSeen =
      why === null
        ? { last: { at: now, to, missing }, failed: null }
        : { ...(await readRow(sql)), failed: { at: now, to, why } };
    const bytes = Buffer.from(JSON.stringify(next));
    await sql`DELETE FROM kept WHERE repository = '' AND key = ${KEY}`;
    await sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('', ${KEY}, ${bytes}, ${now})`;
  });
}

/** What `holdfast backup` tells a server that runs. */
export const BACKUP_ENDED = "backup ended";

export function backupOperations(database: Database, now: () => number): HouseOperations {
  return {
    async [BACKUP_ENDED]({ values = {} }) {
      const { to, missing = "0", why = null } = values;
      if (!to || !/^\d+$/.test(missing))
        throw new Problem("badRequest", "A backup that ended takes where it went to");
      await noteBackup(database, { to, missing: Number(missing), why }, now());
      return true;
    },
  };
}

export function watchBackups(metrics: Metrics, database: ReadDatabase, now: () => number): void {
  metrics.gauge(
    "holdfast_backup_age_seconds",
    "Since when the last backup by `holdfast backup` came to its end; none where none was told of.",
    async () => {
      const { last } = await readBackups(database);
      return last ? [[{}, Math.max(0, now() - last.at) / 1000]] : [];
    },
  );
}
