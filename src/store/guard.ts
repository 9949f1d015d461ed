// A full disk is nobody's bug: it is told by name, wherever a file is written.
import { Problem } from "../core/problem.ts";

/** Waits for a file operation; a full disk becomes a Problem. */
export async function guard<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new Problem("full", "The disk that holds the data directory is full", { cause: error });
    throw error;
  }
}
