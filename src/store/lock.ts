// One server a data directory: a lock that the operating system takes back when its holder dies.
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { Problem } from "../core/problem.ts";
import { forgetHolder, type Holder, noteHolder, readHolder } from "./holder.ts";
import { makePrivate } from "./layout.ts";

export interface Lock {
  /** Leaves word of where the holder listens, for whoever finds the directory held. */
  tell(listens: Holder["listens"]): void;
  release(): void;
}

/** How long the processes of a server that was killed may take to end. They notice at once, unless they are in the midst of something. Milliseconds. */
const ENDING_MS = 5_000;

/** Beside the lock: what each further process of a server holds, for as long as it lives. */
const processesOf = (path: string) => join(dirname(path), "processes.db");

/** For a further process of the server that holds the lock: nobody else gets it before this one has let go, or ended. */
export function joinLock(path: string): Lock {
  const file = processesOf(path);
  makePrivate(file);
  const database = new Database(file, { create: true, readwrite: true });
  database.exec("PRAGMA busy_timeout = 1000");
  database.exec("BEGIN");
  database.query("SELECT count(*) FROM sqlite_schema").get();
  return { tell() {}, release: () => database.close() };
}

/** Throws Problem("conflict") while processes of the last server are at work. */
function requireEnded(path: string, patienceMs: number): void {
  const file = processesOf(path);
  if (!existsSync(file)) return;
  const database = new Database(file, { create: true, readwrite: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${patienceMs}`);
    database.exec("BEGIN EXCLUSIVE");
    database.exec("ROLLBACK");
  } catch (error) {
    if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error;
    throw new Problem(
      "conflict",
      `Processes of the last Holdfast on the data directory ${dirname(path)} have not ended yet: try again in a moment`,
      { cause: error },
    );
  } finally {
    database.close();
  }
}

/** Another process holds the data directory. */
export class DataHeld extends Problem {
  constructor(path: string, cause: unknown) {
    super("conflict", held(path), { cause });
  }
}

/** Holds the data directory until `release`. Throws DataHeld, a Problem("conflict") that names the holder when another process holds it. */
export function lockData(path: string, endingMs = ENDING_MS): Lock {
  makePrivate(path);
  const database = new Database(path, { create: true, readwrite: true });
  try {
    database.exec("PRAGMA busy_timeout = 0");
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error; // a full disk, or no permission
    throw new DataHeld(path, error);
  }
  try {
    requireEnded(path, endingMs);
  } catch (error) {
    database.close();
    throw error;
  }
  noteHolder(path, []);
  return {
    tell: (listens) => noteHolder(path, listens),
    release() {
      forgetHolder(path);
      database.close();
    },
  };
}

function held(path: string): string {
  const sentence = `Another Holdfast is running on the data directory ${dirname(path)}`;
  const holder = readHolder(path);
  if (!holder) return sentence;
  const where = holder.host === hostname() ? "" : ` on ${holder.host}`;
  return `${sentence}: process ${holder.pid}${where}, since ${holder.since.slice(0, 19).replace("T", " ")} UTC`;
}
