// A full disk is nobody's bug, nor are too many open files: told by name, wherever a file is written.
import { Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";

/** Waits for a file operation; a full disk becomes a Problem, and so do too many open files. */
export async function guard<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw shortageOf(error) ?? error;
  }
}

/** Whether what `guard` threw says that there is no room: not that the disk can only be read. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Problem)) return false;
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}
