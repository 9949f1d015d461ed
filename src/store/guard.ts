// A full disk is nobody's bug, nor are too many open files: told by name, wherever a file is written.
import { shortageOf } from "../core/shortage.ts";

/** Waits for a file operation; a full disk becomes a Problem, and so do too many open files. */
export async function guard<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw shortageOf(error) ?? error;
  }
}
