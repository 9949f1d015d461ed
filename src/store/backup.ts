// A whole copy of a data directory, made beside a running server: first the bytes, then the catalog, then the bytes that came meanwhile;
// and what becomes of it once nothing is missing. The catalog gets its name last, so that a backup that was cut leaves the one before whole.
import { Database } from "bun:sqlite";
import { constants } from "node:fs";
import { copyFile, link, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Problem } from "../core/problem.ts";
import { sync, writeNote } from "./backup-note.ts";
import { writeStoreNote } from "./bucket-mark.ts";
import { type BlobPlace, copyBlobs, folderPlace, requireBlobs } from "./copy-blobs.ts";
import { openDatabase, type ReadDatabase, readDatabase } from "./database.ts";
import { guard } from "./guard.ts";
import {
  emptyIncoming,
  FOLDER_MODE,
  fileOf,
  type Layout,
  makePrivate,
  openLayout,
} from "./layout.ts";
import { lockData } from "./lock.ts";
import { hashFile } from "./sink.ts";

export interface BackedUp {
  /** Of this time: what an earlier backup had is not copied again. */
  files: number;
  bytes: number;
  /**
   * Digests of what the catalog names and the data directory does not have: no backup can. Null where the catalog is of another version than
   * this program, which cannot read what it names.
   */
  missing: string[] | null;
}

/** Puts what belongs to a catalog and is named by none of it; what it returns is for when the catalog is in its place. */
export type Beside = (
  catalog: ReadDatabase,
  from: Layout,
  to: Layout,
) => Promise<() => Promise<void>>;

export interface BackupOptions {
  /** Every file that a catalog names: what is not there is awaited where `isAwaited` is true, and missed where it is not. */
  named(catalog: ReadDatabase): AsyncIterable<{ sha256: string; size: number; isAwaited: boolean }>;
  beside?: Beside;
  /** Makes the catalog's copy, where the catalog is no file in the data directory. */
  takeCatalog?(to: string): Promise<void>;
  /** Where the files are, where that is not the data directory. */
  files?: BlobPlace;
  /** Files become further names of the same bytes, on the same file system alone. */
  isLinked?: boolean;
  /** What is written beside it of who made it. */
  version: string;
  told(done: Pick<BackedUp, "files" | "bytes">): void;
}

/** The catalog is taken again so many times where files that it names went meanwhile. */
const TRIES = 3;

/**
 * Makes `folder` a data directory with all that `layout` has, or brings an earlier backup there up to date. Throws Problem("conflict")
 * when a server or another backup runs on `folder`, Problem("badRequest") when it is the data directory itself or lies in it, or the
 * other way round.
 */
export async function backUp(
  layout: Layout,
  folder: string,
  options: BackupOptions,
): Promise<BackedUp> {
  const { named, beside, files, isLinked = false, version, told } = options;
  refuseOverlap(layout.root, folder);
  if (files && isLinked)
    throw new Problem(
      "badRequest",
      "The files are in a bucket, and have no further names: leave --link out",
    );
  const copy = openLayout(folder);
  const lock = lockData(copy.lock);
  const done: BackedUp = { files: 0, bytes: 0, missing: [] };
  const count = (bytes: number) => {
    done.files += 1;
    done.bytes += bytes;
    told(done);
  };
  const put = isLinked ? linkWhole : copyWhole;
  const bring = () =>
    files
      ? copyBlobs(files, folderPlace(copy), (_, bytes) => count(bytes))
      : eachNew(layout.blobs, copy.blobs, put, count);
  const made = `${copy.database}.new`;
  try {
    if (files) emptyIncoming(copy);
    await bring();
    // Each server has its own of what was refused, and one beside a bucket may have no folder for it.
    if (!files) await eachNew(layout.evidence, copy.evidence, put, count);
    for (let tries = TRIES; tries > 0; tries -= 1) {
      for (const end of ["", "-wal", "-shm"]) await rm(`${made}${end}`, { force: true });
      await (options.takeCatalog ?? ((to) => takeFile(layout.database, to)))(made);
      if (files) await forgetStore(made);
      asOneFile(made);
      refuseUnsound(made);
      await sync(made);
      await bring();
      done.missing = files
        ? await withCatalog(made, (catalog) =>
            requireBlobs(named(catalog), files, folderPlace(copy), () => {}),
          )
        : await mend(made, layout, copy, { named, put, count });
      if (!done.missing?.length) break;
    }
    const finish = beside
      ? await withCatalog(made, (catalog) => beside(catalog, layout, copy))
      : null;
    const catalog = await hashFile(made);
    // Those of the copy before belong to other bytes.
    for (const beside of ["-wal", "-shm"]) await rm(`${copy.database}${beside}`, { force: true });
    await guard(rename(made, copy.database));
    await finish?.();
    await writeNote(folder, { holdfast: version, madeAt: new Date().toISOString(), catalog });
    return done;
  } finally {
    for (const beside of ["", "-wal", "-shm"]) await rm(`${made}${beside}`, { force: true });
    lock.release();
  }
}

/** Throws Problem("badRequest") for folders of which one lies in the other. */
export function refuseOverlap(root: string, folder: string): void {
  if (isWithin(root, folder) || isWithin(folder, root))
    throw new Problem("badRequest", `${folder} and the data directory ${root} overlap`);
}

function isWithin(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith("..");
}

/** As it was at one moment, with everything that was committed by then, and sound. */
async function takeFile(from: string, to: string): Promise<void> {
  makePrivate(to); // an empty file is as good as none to SQLite, and keeps its mode
  const database = new Database(from, { readonly: true });
  try {
    database.run("PRAGMA busy_timeout = 5000");
    database.run("VACUUM INTO ?", [to]);
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

/** Looks for every file that the catalog names, and fetches what is not there or was cut. Returns what is nowhere; null where it cannot be read. */
async function mend(
  catalog: string,
  layout: Layout,
  copy: Layout,
  { named, put, count }: Pick<BackupOptions, "named"> & { put: Put; count(bytes: number): void },
): Promise<string[] | null> {
  const missing = new Set<string>();
  return withCatalog(catalog, async (database) => {
    for await (const { sha256, size, isAwaited } of named(database)) {
      const target = fileOf(copy.blobs, sha256);
      if ((await sizeOf(target)) === size) continue;
      const source = fileOf(layout.blobs, sha256);
      if ((await sizeOf(source)) === size) {
        await rm(target, { force: true });
        const bytes = await put(source, target);
        if (bytes !== null) {
          count(bytes);
          continue;
        }
      }
      if (!isAwaited) missing.add(sha256);
    }
    return [...missing];
  });
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

async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.size ?? null;
}

/** Gives the bytes at `source` the name `target`, and returns how many there are. Null when they were removed meanwhile. */
export type Put = (source: string, target: string) => Promise<number | null>;

/** Files that are put at one time: each waits for the disk. */
const AT_ONCE = 8;

/** Puts the files below a folder that the other one does not have. Names tell content: what is there is right, or found out later. */
export async function eachNew(
  from: string,
  to: string,
  put: Put,
  done: (bytes: number) => void,
): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).values();
  let isFailed = false;
  const work = async () => {
    for (const { name } of files) {
      if (isFailed) return;
      const target = join(to, name);
      if ((await sizeOf(target)) !== null) continue;
      const bytes = await put(join(from, name), target);
      if (bytes !== null) done(bytes);
    }
  };
  const ends = Array.from({ length: AT_ONCE }, () =>
    work().catch((error) => {
      isFailed = true;
      throw error;
    }),
  );
  // What is under way is waited for: nothing is written after the failure was told.
  await Promise.allSettled(ends);
  await Promise.all(ends);
  for (const entry of entries)
    if (entry.isDirectory()) await eachNew(join(from, entry.name), join(to, entry.name), put, done);
}

/** A name appears when the file is whole, and on the disk. */
export async function copyWhole(source: string, target: string): Promise<number | null> {
  const part = `${target}.part`;
  await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE });
  await rm(part, { force: true });
  try {
    await guard(copyFile(source, part, constants.COPYFILE_FICLONE));
  } catch (error) {
    await rm(part, { force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  await sync(part);
  await guard(rename(part, target));
  return sizeOf(target);
}

async function linkWhole(source: string, target: string): Promise<number | null> {
  await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE });
  try {
    await guard(link(source, target));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    if (code !== "EXDEV") throw error;
    throw new Problem(
      "badRequest",
      `${target} is on another file system than the data directory: leave --link out`,
    );
  }
  return sizeOf(target);
}
