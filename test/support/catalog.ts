// What a server has put on record, read from its database from outside.
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PostgresPlace } from "../../src/store/postgres.ts";
import { postgresPrograms } from "./postgres.ts";

export interface SeenEvent {
  kind: string;
  repository: string;
  package: string;
  version: string | null;
  file: string | null;
  message: string;
}

export interface SeenFile {
  repository: string;
  purl: string;
  package: string;
  file: string;
  sha256: string;
}

export interface Catalog {
  events(): SeenEvent[];
  files(): SeenFile[];
}

/** `data` is the server's data folder, and `place` its PostgreSQL where it has one. */
export function readCatalog(data: string, place: PostgresPlace | null = null): Catalog {
  const path = join(data, "holdfast.db");
  function all<Row>(query: string): Row[] {
    if (place) return rowsOf<Row>(place, query);
    if (!existsSync(path)) return [];
    const database = new Database(path, { readonly: true });
    try {
      return database.query(query).all() as Row[];
    } finally {
      database.close();
    }
  }
  return {
    events: () =>
      all<SeenEvent>(
        "SELECT kind, repository, package, version, file, message FROM events ORDER BY id",
      ),
    files: () =>
      all<SeenFile>(
        "SELECT repository, purl, package, file, sha256 FROM artifacts ORDER BY purl, file",
      ),
  };
}

/** What a query finds in a PostgreSQL. */
export function rowsOf<Row>({ host, user, database }: PostgresPlace, query: string): Row[] {
  const asked = `SELECT coalesce(json_agg(asked), '[]') FROM (${query}) asked`;
  const psql = join(postgresPrograms()!, "psql");
  const { exitCode, stdout, stderr } = Bun.spawnSync([
    ...[psql, "-X", "-A", "-t", "-h", host, "-U", user, "-d", database, "-c", asked],
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

/** Whether each of the servers on it has heard of all that the others have changed. */
export function haveHeard(place: PostgresPlace): boolean {
  const owed = `SELECT 1 FROM changes JOIN listeners ON changes.origin <> listeners.origin
    WHERE NOT pg_visible_in_snapshot(changes.xact, listeners.heard::pg_snapshot) LIMIT 1`;
  return rowsOf(place, owed).length === 0;
}
