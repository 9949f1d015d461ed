// What PostgreSQL says when something fails, by its SQLSTATE, and what that is for people. https://www.postgresql.org/docs/current/errcodes-appendix.html
import { Problem } from "../core/problem.ts";

/** Of a question that was given up. */
export const SILENT = "database-silent";

const CONFLICT = /^(40001|40P01)/;
const DISK_FULL = "53100";
/** A NUL in a text, which this engine keeps nowhere: SQLite does. */
const NO_TEXT = "22021";
/** It only follows another one, or was made read-only: no fault of the statement. A replica has no serializable transactions either. */
export const READ_ONLY = "25006";
const NOT_THERE = "0A000";

/** What is no word on what was asked: in words that whoever asked may read. The first that fits. */
const TROUBLES: readonly [state: RegExp, words: string][] = [
  [/^28/, "The database does not let this server in: user or password are not those it knows"],
  [/^3D000/, "There is no database of that name on its server"],
  [/^53300/, "The database takes no more connections"],
  [/^(08|57P0[1-4])/, "The database cannot be reached"],
  [/^(57014|57P05|25P0[34])/, "The database ended what it was asked, by a limit of its own"],
  [/^(42501|3F000)/, "The database does not allow its user to do this"],
  [/^(53|57|58|F0|XX)/, "The database has trouble of its own"],
];

/** It ends the connection with the error. */
const ENDS_CONNECTION = /^(08|28|3D000|53300|57P|25P0[34])/;

/** The SQLSTATE of what the server said; empty where it said nothing. */
export function stateOf(error: unknown): string {
  return String((error as { errno?: unknown } | null)?.errno ?? "");
}

/** The connection is gone, or none came about: nothing is left to undo on it. */
export function isAway(error: unknown): boolean {
  if (error instanceof Problem) return error.event === SILENT;
  return isLost(error) || ENDS_CONNECTION.test(stateOf(error));
}

function isLost(error: unknown): boolean {
  const { code = "" } = (error ?? {}) as { code?: unknown };
  return /^ERR_POSTGRES_(CONNECTION|IDLE|LIFETIME|TLS)/.test(String(code));
}

/** Could not serialize, and deadlock: nothing was done, and the same may go well the next time. */
export function isConflict(error: unknown): boolean {
  return CONFLICT.test(stateOf(error));
}

/** Who answers takes no writes: perhaps another server is the one that does by now. */
export function isReadOnly(error: unknown): boolean {
  const state = stateOf(error);
  return (
    state === READ_ONLY ||
    (state === NOT_THERE && /standby|recovery/.test((error as Error).message))
  );
}

/** As a Problem, where it is no word on the statement: that is a bug of who wrote it, and stays what it is. */
export function told(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const state = stateOf(error);
  const cause = { cause: error };
  if (state === DISK_FULL)
    return new Problem("full", "The disk that holds the database is full", cause);
  if (state === NO_TEXT)
    return new Problem(
      "badRequest",
      "A text that the database is asked for or given holds a NUL",
      cause,
    );
  const words = isLost(error)
    ? "The database cannot be reached"
    : isConflict(error)
      ? "Other servers change the same rows of the database"
      : isReadOnly(error)
        ? "The database takes no writes now: it can only be read"
        : TROUBLES.find(([states]) => states.test(state))?.[1];
  return words === undefined ? error : new Problem("busy", words, cause);
}
