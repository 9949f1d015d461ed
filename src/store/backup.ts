// A whole copy of a data directory, made beside a running server: first the bytes, then the catalog, then the bytes that came meanwhile.
import { Database } from "bun:sqlite";
import { copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Problem } from "../core/problem.ts";
import { guard } from "./guard.ts";
import { FOLDER_MODE, type Layout, openLayout } from "./layout.ts";
import { lockData } from "./lock.ts";

export interface BackedUp {
  /** Of this time: what an earlier backup had is not copied again. */
  files: number;
  bytes: number;
}

/**
 * Makes `folder` a data directory with all that `layout` has, or brings an earlier backup there up to date. What the catalog names is there:
 * files are named by what they hold and are not removed within an hour of their coming. Throws Problem("conflict") when a server
 * runs on `folder`, Problem("badRequest") when it is the data directory itself or lies in it, or the other way round.
 */
export async function backUp(
  layout: Layout,
  folder: string,
  told: (done: BackedUp) => void,
): Promise<BackedUp> {
  if (isWithin(layout.root, folder) || isWithin(folder, layout.root))
    throw new Problem("badRequest", `${folder} and the data directory ${layout.root} overlap`);
  const copy = openLayout(folder);
  const lock = lockData(copy.lock);
  const done: BackedUp = { files: 0, bytes: 0 };
  const copyBytes = async () => {
    for (const part of ["blobs", "evidence"] as const)
      await copyNew(layout[part], copy[part], (bytes) => {
        done.files += 1;
        done.bytes += bytes;
        told(done);
      });
  };
  try {
    await copyBytes();
    await copyDatabase(layout.database, copy.database);
    await copyBytes();
    return done;
  } finally {
    lock.release();
  }
}

function isWithin(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith("..");
}

/** As it was at one moment, with everything that was committed by then. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const made = `${to}.new`;
  await rm(made, { force: true });
  const database = new Database(from, { readonly: true });
  try {
    database.run("PRAGMA busy_timeout = 5000");
    database.run("VACUUM INTO ?", [made]);
  } finally {
    database.close();
  }
  // Those of the copy before belong to other bytes.
  for (const beside of ["-wal", "-shm"]) await rm(`${to}${beside}`, { force: true });
  await guard(rename(made, to));
}

/** Copies the files below a folder that the other one does not have. Names tell content: what is there is right. */
async function copyNew(from: string, to: string, copied: (bytes: number) => void): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyNew(source, target, copied);
    else if (entry.isFile() && !(await stat(target).catch(() => null)))
      copied(await copyWhole(source, target));
  }
}

/** A name appears when the file is whole. Nothing when it was removed meanwhile. */
async function copyWhole(source: string, target: string): Promise<number> {
  const part = `${target}.part`;
  await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE });
  await rm(part, { force: true });
  try {
    await guard(copyFile(source, part));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
  await guard(rename(part, target));
  return (await stat(target)).size;
}
