// A data directory made of a backup: each file is hashed as it is put, and nothing that is there is written over.
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Problem } from "../core/problem.ts";
import {
  type Beside,
  copyWhole,
  eachNew,
  refuseOverlap,
  refuseUnsound,
  withCatalog,
} from "./backup.ts";
import { type Note, readNote } from "./backup-note.ts";
import { guard } from "./guard.ts";
import { FILE_MODE, FOLDER_MODE, layoutOf, openLayout, restoreMark } from "./layout.ts";
import { lockData } from "./lock.ts";
import { hashFile } from "./sink.ts";

export interface Restored {
  note: Note;
  files: number;
  bytes: number;
  /** Digests of files that are not true to their names, and were left out. */
  damaged: string[];
}

/**
 * Makes `root`, which must be empty or not there, a data directory with all that the backup `folder` has. One that was cut goes on. Throws a
 * Problem where there is no finished backup, where `root` holds anything else, or where one lies in the other.
 */
export async function restore(
  folder: string,
  root: string,
  told: (done: Pick<Restored, "files" | "bytes">) => void,
  beside?: Beside,
): Promise<Restored> {
  refuseOverlap(folder, root);
  const note = await readNote(folder);
  await claim(root, note);
  const from = layoutOf(folder);
  refuseUnsound(from.database);
  const lock = lockData(from.lock);
  try {
    const to = openLayout(root);
    const done: Restored = { note, files: 0, bytes: 0, damaged: [] };
    const count = (bytes: number) => {
      done.files += 1;
      done.bytes += bytes;
      told(done);
    };
    await eachNew(
      from.blobs,
      to.blobs,
      async (source, target) => {
        const sha256 = basename(dirname(source)) + basename(source);
        if ((await hashFile(source)) === sha256) return copyWhole(source, target);
        done.damaged.push(sha256);
        return null;
      },
      count,
    );
    await eachNew(from.evidence, to.evidence, copyWhole, count);
    await copyWhole(from.database, `${to.database}.restored`);
    if ((await hashFile(`${to.database}.restored`)) !== note.catalog)
      throw new Problem("malformed", `${from.database} cannot be read twice alike: its disk fails`);
    await chmod(`${to.database}.restored`, FILE_MODE);
    const finish = beside ? await withCatalog(from.database, (one) => beside(one, from, to)) : null;
    await guard(rename(`${to.database}.restored`, to.database));
    await finish?.();
    await rm(restoreMark(root));
    return done;
  } finally {
    lock.release();
  }
}

/** Marks an empty folder, or finds the mark of a restore of the same backup that was cut. */
async function claim(root: string, { catalog }: Note): Promise<void> {
  const entries = await readdir(root).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error.code === "ENOTDIR"
      ? new Problem("badRequest", `${root} is no folder`)
      : (error as Error);
  });
  const mark = restoreMark(root);
  const before = await readFile(mark, "utf8").catch(() => null);
  if (before === catalog) return;
  if (entries.length > 0)
    throw new Problem(
      "conflict",
      before === null
        ? `${root} is not empty: nothing is written over. Give a folder that is not there yet`
        : `${root} holds a restore of another backup that was cut: remove it, or give another folder`,
    );
  await guard(mkdir(root, { recursive: true, mode: FOLDER_MODE }));
  await guard(writeFile(mark, catalog, { mode: FILE_MODE }));
}
