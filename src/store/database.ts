// The database handle: reads at any time, writes one batch after the other, migrations at start.

import { Database as Sqlite } from "bun:sqlite";
import { stat } from "node:fs/promises";
import { Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import { createBatches, type Waiting } from "./batches.ts";
import { busy, isBusy, whenFree } from "./busy.ts";
import { makePrivate } from "./layout.ts";
import { createLogSync } from "./log-sync.ts";
import { migrate, requireCurrent } from "./migrate.ts";
import { createQuery, type Query } from "./query.ts";

export type { Query } from "./query.ts";

export interface ReadDatabase {
  /** For reads. Sees what is committed. */
  readonly read: Query;
  close(): Promise<void>;
}

export interface Database extends ReadDatabase {
  /**
   * Runs `work` in a transaction. Writes that wait at the same time share one commit; one that fails is rolled back alone.
   * `work` may run again and must await nothing but its queries. `durable`: it resolves when all is on the disk, so that a power cut takes nothing of
   * it back; rejected by what kept it from getting there, it stands all the same.
   */
  write<T>(work: (sql: Query) => Promise<T>, how?: { durable?: boolean }): Promise<T>;
  /** How many batches were committed so far. */
  readonly commits: number;
}

export interface DatabaseOptions {
  /** How long a write waits while another program holds the database. For tests. */
  patienceMs?: number;
  /** Sees to it that what was committed is on the disk. For tests. */
  sync?(): Promise<void>;
  /** False: it is gone in a moment, and nothing waits for the disk. */
  lasts?: boolean;
}

/** Opens the SQLite file at `path`, made when missing and migrated when older: for the one that holds the data directory's lock. */
export async function openDatabase(
  path: string,
  { patienceMs, sync, lasts = true }: DatabaseOptions = {},
): Promise<Database> {
  makePrivate(path);
  const file = new Sqlite(path, { create: true, readwrite: true });
  let reads: Sqlite;
  try {
    file.run("PRAGMA busy_timeout = 5000"); // nobody waits for anything yet
    file.run("PRAGMA journal_mode = WAL");
    // In WAL mode NORMAL survives kill -9; a power cut may lose the last fetches, never corrupt. Publishing asks for more, see `durable`.
    file.run(`PRAGMA synchronous = ${lasts ? "NORMAL" : "OFF"}`);
    // A checkpoint syncs to disk, for a second on a busy one: the worker does it (see `checkpoint`), never a request.
    file.run("PRAGMA wal_autocheckpoint = 0");
    migrate(file, path);
    file.run("PRAGMA busy_timeout = 0"); // SQLite waits in the loop; see busy.ts
    reads = new Sqlite(path, { readonly: true });
    reads.run("PRAGMA busy_timeout = 0");
  } catch (error) {
    file.close();
    throw isBusy(error) ? busy(error) : error;
  }
  const writer = createQuery(file);
  const reader = createQuery(reads);
  const log = createLogSync(path, sync);

  let commits = 0;
  const batches = createBatches(commit);

  async function commit(batch: Waiting[], alone: boolean): Promise<boolean> {
    try {
      const results: unknown[] = [];
      const begun = await begin(batch);
      if (!begun) return true;
      for (const one of batch) results.push(await one.work(writer));
      file.run("COMMIT");
      commits += 1;
      // The next writes need not wait for the disk.
      const synced = batch.some(({ durable }) => durable) ? log.sync() : null;
      for (const [at, one] of batch.entries())
        if (!one.durable) one.resolve(results[at]);
        else
          synced!.then(
            () => one.resolve(results[at]),
            (error) => one.reject(shortageOf(error) ?? error),
          );
      return true;
    } catch (error) {
      rollBack();
      if (alone) {
        for (const one of batch) one.reject(shortageOf(error) ?? error);
        return true;
      }
      return false;
    }
  }

  /** False when another program holds the database for too long: the writes that wait are told. */
  async function begin(batch: Waiting[]): Promise<boolean> {
    try {
      await whenFree(() => file.run("BEGIN IMMEDIATE"), patienceMs);
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      for (const one of batch) one.reject(error);
      return false;
    }
  }

  /** Never throws: the writes that wait must be told, and the next ones must go on. */
  function rollBack(): void {
    try {
      if (file.inTransaction) file.run("ROLLBACK");
    } catch {
      // Closed under a download that outlived the server: nothing is open, and nothing was written.
    }
  }

  return {
    read: reader,
    get commits() {
      return commits;
    },
    write: (work, { durable = false } = {}) => batches.write(work, durable),
    async close() {
      await batches.settled();
      await log.close();
      reader.finalize();
      reads.close();
      writer.finalize();
      try {
        file.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
      } catch (error) {
        // Another program reads, or the disk can only be read: what is committed stays in the log, and the next one moves it.
        if (!isBusy(error) && !shortageOf(error)) throw error;
      } finally {
        file.close();
      }
    },
  };
}

/**
 * Opens the SQLite file for reading only, beside a server that may be running on it. Throws a Problem when it is of another version than
 * this program's: that server could not go on after a migration.
 */
export async function readDatabase(path: string): Promise<ReadDatabase> {
  const file = new Sqlite(path, { readonly: true });
  try {
    file.run("PRAGMA busy_timeout = 5000");
    requireCurrent(file);
  } catch (error) {
    file.close();
    throw error;
  }
  const read = createQuery(file);
  return {
    read,
    async close() {
      read.finalize();
      file.close();
    },
  };
}

/** Reads a row of each of the catalog's large tables, where it has any: throws where it cannot be read, as any reader would. */
export async function tryCatalog(sql: Query): Promise<void> {
  await sql`SELECT (SELECT 1 FROM documents LIMIT 1) AS d, (SELECT 1 FROM artifacts LIMIT 1) AS a, (SELECT 1 FROM users LIMIT 1) AS u`;
}

/** Moves what was committed from the log into the database file, beside running readers and writers. Syncs; slow. */
export function checkpoint(path: string): void {
  const database = new Sqlite(path, { readwrite: true, create: false });
  try {
    database.exec("PRAGMA busy_timeout = 100");
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } finally {
    database.close();
  }
}

/** Size in bytes of the log of what is not yet in the database file. */
export async function logSize(path: string): Promise<number> {
  return (await stat(`${path}-wal`).catch(() => null))?.size ?? 0;
}
