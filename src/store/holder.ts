// Who holds the data directory: a note beside the lock, for what people are told. Whether it is held the lock alone says.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { FILE_MODE } from "./layout.ts";

export interface Holder {
  pid: number;
  /** The machine or container that the process id belongs to. */
  host: string;
  /** ISO 8601. */
  since: string;
  /** Where it listens: empty for a command that serves nobody, and for a server that is starting. */
  listens: { host: string; port: number }[];
}

function noteOf(lock: string): string {
  return join(dirname(lock), "lock.json");
}

/** Leaves the note, in place of the last one. For the one that holds the lock; a disk that takes no note keeps nobody from work. */
export function noteHolder(lock: string, listens: Holder["listens"], now = Date.now()): void {
  const since = new Date(now - process.uptime() * 1000).toISOString();
  const holder: Holder = { pid: process.pid, host: hostname(), since, listens };
  const file = noteOf(lock);
  try {
    writeFileSync(`${file}.new`, `${JSON.stringify(holder)}\n`, { mode: FILE_MODE });
    renameSync(`${file}.new`, file);
  } catch {
    forgetHolder(lock);
  }
}

/** Where it cannot be removed either it stays, and tells of a process that is gone. */
export function forgetHolder(lock: string): void {
  try {
    rmSync(noteOf(lock), { force: true });
  } catch {
    // A disk that can only be read.
  }
}

/** The last note; null without one. It may be of a process that was killed: see `isAlive`. */
export function readHolder(lock: string): Holder | null {
  try {
    const { pid, host, since, listens } = JSON.parse(readFileSync(noteOf(lock), "utf8"));
    const isNote = Number.isInteger(pid) && pid > 0 && Array.isArray(listens);
    return isNote ? { pid, host: String(host), since: String(since), listens } : null;
  } catch {
    return null;
  }
}

/** Whether the process that left a note is there; null when it runs on another machine, which cannot be told. */
export function isAlive({ pid, host }: Holder): boolean | null {
  if (host !== hostname()) return null;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM"; // another user's
  }
}
