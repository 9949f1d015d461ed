// A whole copy of a data directory, made beside a running server: first the bytes, then the catalog, then the bytes that came meanwhile;
// and what becomes of it once nothing is missing. The catalog gets its name last, so that a backup that was cut leaves the one before whole.
import { Database } from "bun:sqlite";
import { constants } from "node:fs";
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Problem } from "../core/problem.ts";
import { type ReadDatabase, readDatabase } from "./database.ts";
import { guard } from "./guard.ts";
import {
  FILE_MODE,
  FOLDER_MODE,
  fileOf,
  type Layout,
  layoutOf,
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
  /** Files become further names of the same bytes, on the same file system alone. */
  isLinked?: boolean;
  /** What is written beside it of who made it. */
  version: string;
  told(done: Pick<BackedUp, "files" | "bytes">): void;
}

/** What stands in backup.json beside a finished backup. */
export interface Note {
  holdfast: string;
  /** ISO 8601. */
  madeAt: string;
  /** SHA-256 of holdfast.db. */
  catalog: string;
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
  { named, beside, isLinked = false, version, told }: BackupOptions,
): Promise<BackedUp> {
  refuseOverlap(layout.root, folder);
  const copy = openLayout(folder);
  const lock = lockData(copy.lock);
  const done: BackedUp = { files: 0, bytes: 0, missing: [] };
  const count = (bytes: number) => {
    done.files += 1;
    done.bytes += bytes;
    told(done);
  };
  const put = isLinked ? linkWhole : copyWhole;
  const made = `${copy.database}.new`;
  try {
    await eachNew(layout.blobs, copy.blobs, put, count);
    await eachNew(layout.evidence, copy.evidence, put, count);
    for (let tries = TRIES; tries > 0; tries -= 1) {
      await takeCatalog(layout.database, made);
      await eachNew(layout.blobs, copy.blobs, put, count);
      done.missing = await mend(made, layout, copy, { named, put, count });
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
async function takeCatalog(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  makePrivate(to); // an empty file is as good as none to SQLite, and keeps its mode
  const database = new Database(from, { readonly: true });
  try {
    database.run("PRAGMA busy_timeout = 5000");
    database.run("VACUUM INTO ?", [to]);
  } finally {
    database.close();
  }
  refuseUnsound(to);
  await sync(to);
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

async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await guard(file.sync());
  } finally {
    await file.close();
  }
}

const noteOf = (folder: string) => join(folder, "backup.json");

async function writeNote(folder: string, note: Note): Promise<void> {
  const path = noteOf(folder);
  const file = await open(`${path}.new`, "w", FILE_MODE);
  try {
    await guard(file.writeFile(`${JSON.stringify(note)}\n`));
    await guard(file.sync());
  } finally {
    await file.close();
  }
  await guard(rename(`${path}.new`, path));
  await sync(folder);
}

/** Throws Problem("notFound") where no backup was ever finished, Problem("conflict") where its catalog is another one by now. */
export async function readNote(folder: string): Promise<Note> {
  const text = await readFile(noteOf(folder), "utf8").catch(() => null);
  const note = text === null ? null : noteFrom(text);
  if (!note)
    throw new Problem(
      "notFound",
      `${folder} holds no backup that came to its end: \`holdfast backup ${folder}\` makes one, or goes on with one that was cut`,
    );
  const { database } = layoutOf(folder);
  const found = await hashFile(database).catch(() => null);
  if (found !== note.catalog)
    throw new Problem(
      "conflict",
      `The catalog ${database} is not the one that was backed up at ${note.madeAt}: the folder was served since, or a backup was cut, or the disk has altered it. \`holdfast verify --data ${folder}\` looks at it as at a data directory`,
    );
  return note;
}

function noteFrom(text: string): Note | null {
  try {
    const { holdfast, madeAt, catalog } = JSON.parse(text);
    const isNote = [holdfast, madeAt, catalog].every((value) => typeof value === "string");
    return isNote ? { holdfast, madeAt, catalog } : null;
  } catch {
    return null;
  }
}
