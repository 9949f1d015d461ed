// What this machine may run out of: nobody's bug, and told by name.
import { Problem } from "./problem.ts";

export const NO_HANDLES = "this server has no file handles left (`ulimit -n`)";

/** Whether a system error's code says that no more files or sockets can be opened: by this process, or by the machine. */
export function isOutOfHandles(code: string | undefined): boolean {
  return code === "EMFILE" || code === "ENFILE";
}

/** The Problem that a system error is, or null when it is none of these. Out of handles is one that nobody remembers: it soon passes. */
export function shortageOf(error: unknown): Problem | null {
  const disk = diskTrouble(error);
  if (disk)
    return new Problem("full", `The disk that holds the data directory ${disk}`, { cause: error });
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (isOutOfHandles(code))
    return new Problem("unreachable", `It cannot be fetched or read: ${NO_HANDLES}`, {
      cause: error,
    });
  return null;
}

/** What the system says of a file, by its code, and a database of its own, in its words. */
const DISK_TROUBLES: readonly [mark: RegExp, sentence: string][] = [
  [/^(ENOSPC|EDQUOT)$|database or disk is full/i, "is full"],
  [/^EROFS$|attempt to write a readonly database/i, "can only be read"],
  [/^disk I\/O error/i, "cannot be written to"],
];

/** Why the disk takes nothing more; what is stored can be read all the same. Null for any other error. */
function diskTrouble(error: unknown): string | null {
  const { code = "", message = "" } = (error ?? {}) as { code?: string; message?: string };
  return DISK_TROUBLES.find(([mark]) => mark.test(code) || mark.test(message))?.[1] ?? null;
}
