// One server a data directory: a lock that the operating system takes back when its holder dies.
import { Database } from "bun:sqlite";
import { Problem } from "../core/problem.ts";
import { makePrivate } from "./layout.ts";

/** Holds the data directory until `release`. Throws Problem("conflict") when another process holds it. */
export function lockData(path: string): { release(): void } {
  makePrivate(path);
  const database = new Database(path, { create: true, readwrite: true });
  try {
    database.exec("PRAGMA busy_timeout = 0");
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error; // a full disk, or no permission
    throw new Problem("conflict", "Another Holdfast is running on this data directory", {
      cause: error,
    });
  }
  return { release: () => database.close() };
}
