// What this machine may run out of or keep from a server: nobody's bug, and told by name.
import { Problem, type ProblemKind } from "./problem.ts";

export const NO_HANDLES = "this server has no file handles left (`ulimit -n`)";

/** Whether a system error's code says that no more files or sockets can be opened: by this process, or by the machine. */
export function isOutOfHandles(code: string | undefined): boolean {
  return code === "EMFILE" || code === "ENFILE";
}

/**
 * The Problem that a system error is, or null when it is none of these. `where`: what the disk is of that is spoken of. Out of handles is one that nobody
 * remembers: it soon passes.
 */
export function shortageOf(error: unknown, where = "the data directory"): Problem | null {
  const { code = "", message = "", syscall = "" } = (error ?? {}) as SystemError;
  const isOf = (one: Trouble) => one.code.test(code) || one.words?.test(message) === true;
  const disk = OF_NO_FILE.test(syscall) ? undefined : DISK_TROUBLES.find(isOf);
  if (disk) return new Problem(disk.kind, capital(disk.told(where)), { cause: error });
  if (isOutOfHandles(code))
    return new Problem("unreachable", `It cannot be fetched or read: ${NO_HANDLES}`, {
      cause: error,
    });
  return null;
}

interface SystemError {
  code?: string;
  message?: string;
  syscall?: string;
}

interface Trouble {
  code: RegExp;
  words: RegExp | null;
  kind: ProblemKind;
  told(where: string): string;
}

const full: Trouble["told"] = (where) => `the disk that holds ${where} is full`;
const readOnly: Trouble["told"] = (where) => `the disk that holds ${where} can only be read`;
const failing: Trouble["told"] = (where) => `the disk that holds ${where} fails`;
const denied: Trouble["told"] = (where) => `permission is denied for ${where}, or something in it`;
const strange: Trouble["told"] = (where) => `${where} is not as this server made it`;
const unread = () => "the catalog cannot be read: it is damaged, or its disk fails";
const closed = () => "the catalog's file cannot be opened";

/** By the code of the system or of SQLite, or by the words of SQLite where a worker passed on no more. */
const DISK_TROUBLES: readonly Trouble[] = [
  {
    code: /^(ENOSPC|EDQUOT|SQLITE_FULL)$/,
    words: /database or disk is full/i,
    kind: "full",
    told: full,
  },
  {
    code: /^(EROFS|SQLITE_READONLY\w*)$/,
    words: /attempt to write a readonly database/i,
    kind: "unusable",
    told: readOnly,
  },
  {
    code: /^(EIO|ESTALE|ENXIO|EUCLEAN|SQLITE_IOERR\w*)$/,
    words: /^disk I\/O error/i,
    kind: "unusable",
    told: failing,
  },
  { code: /^(EACCES|EPERM)$/, words: null, kind: "unusable", told: denied },
  { code: /^(ENOTDIR|EISDIR|ELOOP)$/, words: null, kind: "unusable", told: strange },
  {
    code: /^SQLITE_(CORRUPT\w*|NOTADB)$/,
    words: /^database disk image is malformed|^file is not a database/i,
    kind: "unusable",
    told: unread,
  },
  {
    code: /^SQLITE_CANTOPEN\w*$/,
    words: /^unable to open database file/i,
    kind: "unusable",
    told: closed,
  },
];

/** Calls that are about no file of ours, and fail with the same codes. */
const OF_NO_FILE = /spawn|^(connect|listen|bind|accept)$/;

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
