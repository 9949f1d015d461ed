// A whole copy of what a server stores, made beside it: first the bytes, then the catalog, then the bytes that came meanwhile; and what becomes of it
// once nothing is missing. The catalog counts last, so that a backup that was cut leaves the one before whole.
import { Database } from "bun:sqlite";
import { rm } from "node:fs/promises";
import { Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import { listOf, neededBy, type Retention, stayBeside } from "./backup-generations.ts";
import type { BackupHome, BackupSource, Named } from "./backup-home.ts";
import { generationsOf, type Note } from "./backup-note.ts";
import { writeStoreNote } from "./bucket-mark.ts";
import { openDatabase, type ReadDatabase, readDatabase } from "./database.ts";
import { BACKUP } from "./guard.ts";
import { makePrivate } from "./layout.ts";
import type { LogFiles } from "./log-files.ts";
import { hashFile } from "./sink.ts";

export interface BackedUp {
  /** Of this time: what an earlier backup had is not copied again. */
  files: number;
  bytes: number;
  /**
   * Digests of what the catalog names and its files do not have: no backup can. Null where the catalog is of another version than
   * this program, which cannot read what it names.
   */
  missing: string[] | null;
  /** Files that no backup names any more, and that went. Null where none were to go, or not now. */
  pruned: number | null;
  /** How many backups are there now. */
  generations: number;
}

/** Puts what belongs to a catalog and is named by none of it into `log`; what it returns is for when the catalog is in its place. */
export type Beside = (catalog: ReadDatabase, log: LogFiles) => Promise<() => Promise<void>>;

export interface BackupOptions {
  /** Every file that a catalog names: what is not there is awaited where `isAwaited` is true, and missed where it is not. */
  named(catalog: ReadDatabase): Named;
  /** Digests of what it names beside those. */
  alsoNamed?(catalog: ReadDatabase): Promise<string[]>;
  beside?: Beside;
  /** Makes the catalog's copy, where the catalog is no file in the data directory. */
  takeCatalog?(to: string): Promise<void>;
  /** What is written beside it of who made it. */
  version: string;
  /** Which of the backups before stay, and then what none of them names goes. Null: the last one takes the place of the one before, and no file goes. */
  retention?: Retention | null;
  told(done: Pick<BackedUp, "files" | "bytes">): void;
}

/** The catalog is taken again so many times where files that it names went meanwhile. */
const TRIES = 3;

/** Makes `home` hold all that `source` has, or brings an earlier backup there up to date. Throws what the home throws. */
export async function backUp(
  source: BackupSource,
  home: BackupHome,
  { named, alsoNamed, beside, takeCatalog, version, retention = null, told }: BackupOptions,
): Promise<BackedUp> {
  const to = await home.write(source);
  const done: BackedUp = { files: 0, bytes: 0, missing: [], pruned: null, generations: 1 };
  const seen: { digests: string[] | null } = { digests: null };
  const count = (bytes: number) => {
    done.files += 1;
    done.bytes += bytes;
    told(done);
  };
  const { made } = to;
  try {
    await to.bring(count);
    for (let tries = TRIES; tries > 0; tries -= 1) {
      for (const end of ["", "-wal", "-shm"]) await rm(`${made}${end}`, { force: true });
      await (takeCatalog ?? ((path) => takeFile(source.layout.database, path)))(made);
      if (source.files) await forgetStore(made);
      asOneFile(made);
      refuseUnsound(made);
      await to.bring(count);
      done.missing = await withCatalog(made, async (catalog) => {
        seen.digests = [];
        const missing = await to.require(noting(named(catalog), seen.digests), count);
        seen.digests.push(...((await alsoNamed?.(catalog)) ?? []));
        return missing;
      });
      if (done.missing === null) seen.digests = null;
      if (!done.missing?.length) break;
    }
    const finish = beside ? await withCatalog(made, (catalog) => beside(catalog, to.log)) : null;
    const catalog = await hashFile(made);
    const madeAt = new Date();
    const list = seen.digests && listOf(seen.digests);
    const [last] = to.earlier;
    // What was the same stays one, with the time at which it was so last.
    const others = to.earlier.filter((one) => one.catalog !== catalog);
    const earlier = retention
      ? stayBeside(others, retention, madeAt.getTime())
      : others.filter((one) => one !== last);
    const note: Note = {
      ...{ holdfast: version, madeAt: madeAt.toISOString(), catalog },
      ...(list && { files: list.sha256 }),
      ...(earlier.length > 0 && { earlier }),
      ...(retention && { isPruning: true as const }),
    };
    await to.keep(note, finish ?? (async () => {}), list?.bytes ?? null);
    done.generations = 1 + earlier.length;
    if (retention) {
      const isNeeded = await neededBy(generationsOf(note), to.readList);
      if (isNeeded) done.pruned = await to.prune(note, isNeeded);
    }
    return done;
  } finally {
    await to.close();
  }
}

async function* noting(named: Named, digests: string[]): Named {
  for await (const one of named) {
    digests.push(one.sha256);
    yield one;
  }
}

/** As it was at one moment, with everything that was committed by then, and sound. */
async function takeFile(from: string, to: string): Promise<void> {
  makePrivate(to); // an empty file is as good as none to SQLite, and keeps its mode
  const database = new Database(from, { readonly: true });
  try {
    database.run("PRAGMA busy_timeout = 5000");
    database.run("VACUUM INTO ?", [to]);
  } catch (error) {
    throw shortageOf(error, BACKUP) ?? error;
  } finally {
    database.close();
  }
}

/** Without a log beside it: a folder that can only be read is read, too. */
function asOneFile(path: string): void {
  const database = new Database(path, { readwrite: true });
  try {
    database.query("PRAGMA journal_mode = DELETE").all();
  } finally {
    database.close();
  }
}

/** The files of the copy are beside it. */
async function forgetStore(path: string): Promise<void> {
  await (await readDatabase(path)).close(); // of another version it is not altered
  const database = await openDatabase(path);
  await writeStoreNote(database, null).finally(database.close);
}

/** Throws Problem("malformed") for a database in which something is not as it should be. */
export function refuseUnsound(path: string): void {
  const database = new Database(path, { readonly: true });
  try {
    const [row] = database.query("PRAGMA quick_check(1)").values();
    if (row?.[0] !== "ok") throw new Problem("malformed", `The catalog ${path} is damaged: ${row}`);
  } finally {
    database.close();
  }
}

/** Null where it is of another version than this program, which cannot read it. */
export async function withCatalog<T>(
  path: string,
  work: (catalog: ReadDatabase) => Promise<T>,
): Promise<T | null> {
  const database = await readDatabase(path).catch((error) => {
    if (error instanceof Problem && error.kind === "conflict") return null;
    throw error;
  });
  try {
    return database && (await work(database));
  } finally {
    await database?.close();
  }
}
