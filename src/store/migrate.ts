// The version of the database: which one it is, and how an older one becomes today's.
import type { Database as Sqlite } from "bun:sqlite";
import { copyFileSync, renameSync } from "node:fs";
import { Problem } from "../core/problem.ts";
import { migrations } from "./migrations/index.ts";

/** The version that this program reads and writes. */
export const CURRENT = migrations.at(-1)!.version;

/** Brings the database up to date. Only for the one that holds the data directory's lock. The file is copied before. */
export function migrate(file: Sqlite, path: string): void {
  const version = versionOf(file);
  if (version > CURRENT)
    throw new Problem(
      "conflict",
      `The data directory was written by a newer Holdfast (database version ${version}; this one knows ${CURRENT}). Run that one, or put the copy of ${path} from before the upgrade in its place, ${path}.version-N`,
    );
  if (version === CURRENT) return;
  if (version > 0) {
    file.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
    const copy = `${path}.version-${version}`;
    copyFileSync(path, `${copy}.part`); // what has the name is whole
    renameSync(`${copy}.part`, copy);
  }
  for (const migration of migrations) {
    if (migration.version <= version) continue;
    file.transaction(() => {
      file.run(migration.sql);
      file.run(`PRAGMA user_version = ${migration.version}`);
    })();
  }
}

/** Throws a Problem unless the database is of the version that this program speaks. For who only reads: a server may be running. */
export function requireCurrent(file: Sqlite): void {
  requireVersion(versionOf(file), "The data directory");
}

export function requireVersion(version: number, what: string): void {
  if (version === CURRENT) return;
  const way =
    version < CURRENT
      ? "`holdfast serve` of this version brings it up to date"
      : "A newer Holdfast is needed";
  throw new Problem(
    "conflict",
    `${what} is of version ${version}, and this program speaks version ${CURRENT}. ${way}`,
  );
}

function versionOf(file: Sqlite): number {
  // A number to whoever reads all whole numbers as bigint, too.
  return Number((file.query("PRAGMA user_version").get() as { user_version: number }).user_version);
}
