// A data directory made of a backup: each file is hashed as it is put, and nothing that is there is written over.
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { Problem } from "../core/problem.ts";
import { type Beside, refuseUnsound, withCatalog } from "./backup.ts";
import type { OpenBackup } from "./backup-home.ts";
import type { Note } from "./backup-note.ts";
import { guard } from "./guard.ts";
import { FILE_MODE, FOLDER_MODE, openLayout, restoreMark } from "./layout.ts";

import { type LogFiles, openLogFiles } from "./log-files.ts";

export interface Restored {
  note: Note;
  files: number;
  bytes: number;
  /** Digests of files that are not true to their names, and were left out. */
  damaged: string[];
}

/**
 * Makes `root`, which must be empty or not there, a data directory with all that the backup has. One that was cut goes on. Throws a
 * Problem where there is no finished backup, where `root` holds anything else, or where one lies in the other. `beside`: brings the log from there.
 */
export async function restore(
  backup: OpenBackup,
  root: string,
  told: (done: Pick<Restored, "files" | "bytes">) => void,
  beside?: (from: LogFiles) => Beside,
): Promise<Restored> {
  const from = await backup(root);
  try {
    const { note } = from;
    await claim(root, note);
    const to = openLayout(root);
    const done: Restored = { note, files: 0, bytes: 0, damaged: [] };
    const count = (bytes: number) => {
      done.files += 1;
      done.bytes += bytes;
      told(done);
    };
    // First: the next backup may take its place where it is now.
    const catalog = `${to.database}.restored`;
    await from.takeCatalog(catalog);
    await chmod(catalog, FILE_MODE);
    refuseUnsound(catalog);
    done.damaged = await from.bring(to, count);
    const put = beside?.(from.log);
    const finish = put ? await withCatalog(catalog, (one) => put(one, openLogFiles(to.log))) : null;
    await guard(rename(catalog, to.database));
    await finish?.();
    await rm(restoreMark(root));
    return done;
  } finally {
    await from.close();
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
