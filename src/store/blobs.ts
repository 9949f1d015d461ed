// Content-addressed files. A name that exists is whole and true to its digest.
import { closeSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { open, readdir, readFile, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import type { Layout } from "./layout.ts";

/** A download under way: bytes go to a private file and get their name only when they are proven. */
export interface Incoming {
  readonly path: string;
  write(chunk: Uint8Array): void;
  /** Gives the bytes their name. `sha256` must be that of what was written. */
  commit(sha256: string): void;
  /** Moves the bytes to the evidence folder instead, so that an investigation can look at them. */
  condemn(sha256: string): void;
  /** Removes the file; a no-op after commit or condemn. */
  abandon(): void;
}

export interface Blobs {
  path(sha256: string): string;
  begin(): Incoming;
  /** Stores bytes that are whole in memory. */
  put(sha256: string, bytes: Uint8Array): void;
  /** Gives a file that stands in incoming/ its name. */
  adopt(path: string, sha256: string): void;
  size(sha256: string): Promise<number | null>;
  stat(sha256: string): Promise<{ size: number; changedAt: number } | null>;
  /** All of a small blob. */
  read(sha256: string): Promise<Uint8Array>;
  /** All of another file in the data directory. */
  readFile(path: string): Promise<Uint8Array>;
  remove(sha256: string): Promise<void>;
  /** Every blob's digest, folder by folder. */
  list(): AsyncGenerator<string>;
}

export function openBlobs(layout: Layout): Blobs {
  let counter = 0;
  const folders = new Set<string>();

  function place(root: string, sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError(`Not a SHA-256: ${sha256}`);
    const folder = join(root, sha256.slice(0, 2));
    if (!folders.has(folder)) {
      mkdirSync(folder, { recursive: true });
      folders.add(folder);
    }
    return join(folder, sha256.slice(2));
  }

  function begin(): Incoming {
    const path = join(layout.incoming, `${process.pid}-${++counter}`);
    const file = guard(() => openSync(path, "wx", 0o444));
    let isOpen = true;
    let isThere = true;
    function close(): void {
      if (isOpen) closeSync(file);
      isOpen = false;
    }
    return {
      path,
      write(chunk) {
        let at = 0;
        while (at < chunk.length) at += guard(() => writeSync(file, chunk, at));
      },
      commit(sha256) {
        close();
        guard(() => renameSync(path, place(layout.blobs, sha256)));
        isThere = false;
        syncLater(place(layout.blobs, sha256));
      },
      condemn(sha256) {
        close();
        guard(() => renameSync(path, place(layout.evidence, sha256)));
        isThere = false;
      },
      abandon() {
        close();
        if (isThere) unlinkSync(path);
        isThere = false;
      },
    };
  }

  return {
    path: (sha256) => place(layout.blobs, sha256),
    begin,
    put(sha256, bytes) {
      const incoming = begin();
      try {
        incoming.write(bytes);
        incoming.commit(sha256);
      } finally {
        incoming.abandon();
      }
    },
    adopt(path, sha256) {
      guard(() => renameSync(path, place(layout.blobs, sha256)));
      syncLater(place(layout.blobs, sha256));
    },
    async size(sha256) {
      const found = await stat(place(layout.blobs, sha256)).catch(() => null);
      return found ? found.size : null;
    },
    async stat(sha256) {
      const found = await stat(place(layout.blobs, sha256)).catch(() => null);
      return found ? { size: found.size, changedAt: found.mtimeMs } : null;
    },
    read: (sha256) => readFile(place(layout.blobs, sha256)),
    readFile: (path) => readFile(path),
    async remove(sha256) {
      await unlink(place(layout.blobs, sha256)).catch((error) => {
        if (error.code !== "ENOENT") throw error;
      });
    },
    async *list() {
      for (const folder of (await readdir(layout.blobs)).sort())
        for (const name of (await readdir(join(layout.blobs, folder))).sort()) yield folder + name;
    },
  };
}

/** Runs a file operation; a full disk becomes a Problem. */
function guard<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new Problem("full", "The disk that holds the data directory is full", { cause: error });
    throw error;
  }
}

// What was fetched is synced just after the client has it: losing it costs one more fetch, never a wrong byte.
const unsynced: string[] = [];
let syncing = false;

function syncLater(path: string): void {
  unsynced.push(path);
  if (!syncing) {
    syncing = true;
    setTimeout(syncAll, 1000).unref();
  }
}

async function syncAll(): Promise<void> {
  for (let path = unsynced.shift(); path; path = unsynced.shift()) {
    const file = await open(path, "r").catch(() => null); // removed meanwhile
    await file?.datasync().catch(() => {}); // a failing disk shows itself to `verify`
    await file?.close();
  }
  syncing = false;
}
