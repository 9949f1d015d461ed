// A folder as the home of backups: a data directory with a note beside it. Files are copied as they are, share blocks where the file system can, or
// get further names.
import { constants } from "node:fs";
import { copyFile, link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { Problem } from "../core/problem.ts";
import type {
  BackupHome,
  BackupReader,
  BackupSource,
  BackupWriter,
  Count,
  Named,
} from "./backup-home.ts";
import {
  CATALOGS,
  chosen,
  findNote,
  generationsOf,
  type Note,
  readNote,
  sync,
  writeNote,
} from "./backup-note.ts";
import { copyBlobs, folderPlace, requireBlobs } from "./copy-blobs.ts";
import { BACKUP, COPY, guard, ifThere, lookAt } from "./guard.ts";
import {
  emptyIncoming,
  FILE_MODE,
  FOLDER_MODE,
  fileOf,
  type Layout,
  layoutOf,
  openLayout,
} from "./layout.ts";
import { lockData } from "./lock.ts";
import { openLogFiles } from "./log-files.ts";
import { hashFile } from "./sink.ts";
import { tenureIn } from "./tenure-file.ts";

export interface FolderOptions {
  /** Files become further names of the same bytes, on the same file system alone. */
  isLinked?: boolean;
}

/**
 * Its writer throws Problem("conflict") when a server or another backup runs on it, Problem("badRequest") when it is the data directory itself
 * or lies in it, or the other way round.
 */
export function folderHome(folder: string, { isLinked = false }: FolderOptions = {}): BackupHome {
  return {
    name: folder,
    async write(source) {
      refuseOverlap(source.layout.root, folder);
      if (source.files && isLinked)
        throw new Problem(
          "badRequest",
          "The files are in a bucket, and have no further names: leave --link out",
        );
      return writer(folder, source, isLinked ? linkWhole : copyWhole);
    },
  };
}

/** Where catalogs of earlier backups are, with the lists of what each names. */
const catalogIn = (folder: string, { catalog }: Note) => join(folder, CATALOGS, `${catalog}.db`);
const listIn = (folder: string, { catalog }: Note) => join(folder, CATALOGS, `${catalog}.files`);

/** Those of which the catalog is there. */
async function earlierIn(folder: string): Promise<Note[]> {
  const note = await findNote(folder);
  if (!note) return [];
  const { database } = layoutOf(folder);
  const current = await ifThere(hashFile(database), BACKUP);
  const there: Note[] = [];
  for (const one of generationsOf(note))
    if (one.catalog === current || (await sizeOf(catalogIn(folder, one))) !== null) there.push(one);
  return there;
}

async function writer(
  folder: string,
  { layout, files }: BackupSource,
  put: Put,
): Promise<BackupWriter> {
  const copy = openLayout(folder);
  const lock = lockData(copy.lock);
  // Not before: another backup may come to its end until then.
  const earlier = await earlierIn(folder).catch((error) => {
    lock.release();
    throw error;
  });
  const made = `${copy.database}.new`;
  if (files) emptyIncoming(copy);
  return {
    made,
    earlier,
    log: openLogFiles(copy.log),
    async bring(count) {
      if (files) {
        await copyBlobs(files, folderPlace(copy), (_, bytes) => count(bytes));
        return; // each server has its own of what was refused, and one beside a bucket may have no folder for it
      }
      await eachNew(layout.blobs, copy.blobs, put, count);
      await eachNew(layout.evidence, copy.evidence, put, count);
    },
    require: (named, count) =>
      files
        ? requireBlobs(named, files, folderPlace(copy), () => {})
        : mend(named, layout, copy, put, count),
    async keep(note, finish, list) {
      await sync(made);
      await mkdir(join(folder, CATALOGS), { recursive: true, mode: FOLDER_MODE });
      if (list) {
        await guard(writeFile(`${listIn(folder, note)}.part`, list, { mode: FILE_MODE }), BACKUP);
        await sync(`${listIn(folder, note)}.part`);
        await guard(rename(`${listIn(folder, note)}.part`, listIn(folder, note)), BACKUP);
      }
      // The one that was the last gets its further name before it loses the first.
      for (const one of note.earlier ?? [])
        if ((await sizeOf(catalogIn(folder, one))) === null)
          await guard(link(copy.database, catalogIn(folder, one)), BACKUP);
      await sync(join(folder, CATALOGS));
      // Those of the copy before belong to other bytes.
      for (const beside of ["-wal", "-shm"]) await rm(`${copy.database}${beside}`, { force: true });
      await guard(rename(made, copy.database), BACKUP);
      await finish();
      await rm(tenureIn(folder), { force: true }); // of a server that was started on the copy
      await writeNote(folder, note);
      const stay = new Set(generationsOf(note).map(({ catalog }) => catalog));
      for (const name of await readdir(join(folder, CATALOGS)))
        if (!stay.has(name.replace(/\..*/, "")) || name === `${note.catalog}.db`)
          await rm(join(folder, CATALOGS, name), { force: true });
    },
    readList: (note) => readFile(listIn(folder, note)).catch(() => null),
    async prune(note, isNeeded) {
      let pruned = 0;
      for await (const sha256 of folderPlace(copy).list()) {
        if (isNeeded(sha256)) continue;
        await rm(fileOf(copy.blobs, sha256), { force: true });
        pruned += 1;
      }
      const { isPruning: _, ...done } = note;
      await writeNote(folder, done);
      return pruned;
    },
    async close() {
      for (const beside of ["", "-wal", "-shm"]) await rm(`${made}${beside}`, { force: true });
      lock.release();
    },
  };
}

/** `before`: the last that was made until then, in milliseconds since the epoch. Nobody else uses the folder meanwhile. Throws Problem("badRequest") for a `root` that is the backup itself or lies in it, or the other way round. */
export async function readFolderBackup(
  folder: string,
  root: string,
  before: number | null = null,
): Promise<BackupReader> {
  refuseOverlap(folder, root);
  const last = await readNote(folder);
  const note = chosen(last, before, folder);
  const from = layoutOf(folder);
  const database = note.catalog === last.catalog ? from.database : catalogIn(folder, note);
  const lock = lockData(from.lock);
  return {
    note,
    log: openLogFiles(from.log),
    async takeCatalog(path) {
      if ((await copyWhole(database, path)) === null)
        throw new Problem("conflict", `${database} is not there any more: it was removed`);
      if ((await hashFile(path)) !== note.catalog)
        throw new Problem(
          "malformed",
          `${database} is not what was backed up at ${note.madeAt}: its disk fails`,
        );
    },
    async bring(to, count) {
      const damaged: string[] = [];
      const putTrue: Put = async (source, target) => {
        const sha256 = basename(dirname(source)) + basename(source);
        if ((await hashFile(source)) === sha256) return copyWhole(source, target);
        damaged.push(sha256);
        return null;
      };
      await eachNew(from.blobs, to.blobs, putTrue, count);
      await eachNew(from.evidence, to.evidence, copyWhole, count);
      return damaged;
    },
    async close() {
      lock.release();
    },
  };
}

/** Throws Problem("badRequest") for folders of which one lies in the other. */
function refuseOverlap(root: string, folder: string): void {
  if (isWithin(root, folder) || isWithin(folder, root))
    throw new Problem("badRequest", `${folder} and the data directory ${root} overlap`);
}

function isWithin(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith("..");
}

async function mend(
  named: Named,
  layout: Layout,
  copy: Layout,
  put: Put,
  count: Count,
): Promise<string[]> {
  const missing = new Set<string>();
  for await (const { sha256, size, isAwaited } of named) {
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
}

async function sizeOf(path: string): Promise<number | null> {
  return (await lookAt(path, COPY))?.size ?? null;
}

/** Gives the bytes at `source` the name `target`, and returns how many there are. Null when they were removed meanwhile. */
type Put = (source: string, target: string) => Promise<number | null>;

/** Files that are put at one time: each waits for the disk. */
const AT_ONCE = 8;

/** Puts the files below a folder that the other one does not have. */
async function eachNew(from: string, to: string, put: Put, done: Count): Promise<void> {
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
async function copyWhole(source: string, target: string): Promise<number | null> {
  const part = `${target}.part`;
  await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE });
  await rm(part, { force: true });
  try {
    await guard(copyFile(source, part, constants.COPYFILE_FICLONE), COPY);
  } catch (error) {
    await rm(part, { force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  await sync(part);
  await guard(rename(part, target), COPY);
  return sizeOf(target);
}

async function linkWhole(source: string, target: string): Promise<number | null> {
  await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE });
  try {
    await guard(link(source, target), BACKUP);
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
