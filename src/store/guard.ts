// A disk that gives or takes nothing is nobody's bug, nor are too many open files: told by name, wherever a file is read or written.
import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";

/** What is written in another place than the data directory: the backup itself, and what is copied to or from one. */
export const BACKUP = "the backup";
export const COPY = "the copy";

/** Waits for a file operation; what the disk keeps from us becomes a Problem, and so do too many open files. `where`: what the file is of. */
export async function guard<T>(operation: Promise<T>, where?: string): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw shortageOf(error, where) ?? error;
  }
}

/** Null where nothing stands there; throws a Problem where that cannot be told: a disk that fails has not lost anything yet. */
export function lookAt(path: string, where?: string): Promise<Stats | null> {
  return ifThere(stat(path), where);
}

/** What comes of a file, or null where there is none: what the disk keeps from us is a Problem. */
export function ifThere<T>(operation: Promise<T>, where?: string): Promise<T | null> {
  return guard<T | null>(
    operation.catch((error) => {
      if (error.code === "ENOENT") return null;
      throw error;
    }),
    where,
  );
}

/** Names in a folder, in order; none where it is no folder, or was removed by hand. One that cannot be read is not taken for an empty one. */
export async function namesIn(folder: string): Promise<string[]> {
  const names = await guard(
    readdir(folder).catch((error) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
      throw error;
    }),
  );
  return names.sort();
}

/** Whether what `guard` threw says that there is no room: not that the disk can only be read. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Problem)) return false;
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}
