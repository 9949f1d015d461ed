// One server a data directory: a lock that the operating system takes back when its holder dies.
import { Database } from "bun:sqlite";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { Problem } from "../core/problem.ts";
import { forgetHolder, type Holder, noteHolder, readHolder } from "./holder.ts";
import { makePrivate } from "./layout.ts";

export interface Lock {
  /** Leaves word of where the holder listens, for whoever finds the directory held. */
  tell(listens: Holder["listens"]): void;
  release(): void;
}

/** Holds the data directory until `release`. Throws Problem("conflict") that names the holder when another process holds it. */
export function lockData(path: string): Lock {
  makePrivate(path);
  const database = new Database(path, { create: true, readwrite: true });
  try {
    database.exec("PRAGMA busy_timeout = 0");
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error; // a full disk, or no permission
    throw new Problem("conflict", held(path), { cause: error });
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
