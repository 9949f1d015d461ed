// What this machine may run out of: nobody's bug, and told by name.
import { Problem } from "./problem.ts";

export const NO_HANDLES = "this server has no file handles left (`ulimit -n`)";

/** Whether a system error's code says that no more files or sockets can be opened: by this process, or by the machine. */
export function isOutOfHandles(code: string | undefined): boolean {
  return code === "EMFILE" || code === "ENFILE";
}

/** The Problem that a system error is, or null when it is none of these. Out of handles is one that nobody remembers: it soon passes. */
export function shortageOf(error: unknown): Problem | null {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new Problem("full", "The disk that holds the data directory is full", { cause: error });
  if (isOutOfHandles(code))
    return new Problem("unreachable", `It cannot be fetched or read: ${NO_HANDLES}`, {
      cause: error,
    });
  return null;
}
