// Content-addressed files. A name that exists is whole and true to its digest.
//
// Everything is asynchronous: on a busy disk even a rename can take a second, and no request may wait for another's.
// Fetched bytes are not synced one by one: after a power cut a file may be short or gone, which its size tells when it is
// next read, and it is fetched again and held against its pin (docs/decisions/0007-no-sync-for-fetched-bytes.md).
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { guard } from "./guard.ts";
import type { Layout } from "./layout.ts";

const READ_ONLY = 0o444;
/** Refused bytes are kept up to here in all: who sends them must not fill the disk with them. */
const EVIDENCE_BYTES = 1024 * 1024 * 1024;
const SHA256 = /^[0-9a-f]{64}$/;

/** A download under way: bytes go to a private file and get their name only when they are proven. */
export interface Incoming {
  readonly path: string;
  write(chunk: Uint8Array): Promise<void>;
  /** Gives the bytes their name. `sha256` must be that of what was written. */
  commit(sha256: string): Promise<void>;
  /** Moves the bytes to the evidence folder instead, while there is room, so that an investigation can look at them. */
  condemn(sha256: string): Promise<void>;
  /** Removes the file; a no-op after commit or condemn. */
  abandon(): Promise<void>;
}

export interface Blobs {
  path(sha256: string): string;
  begin(): Promise<Incoming>;
  /** Stores bytes that are whole in memory. */
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  /** Keeps refused bytes that are whole in memory, while there is room. */
  condemn(sha256: string, bytes: Uint8Array): Promise<void>;
  /** Gives a file that stands in incoming/ its name. */
  adopt(path: string, sha256: string): Promise<void>;
  /** Removes a file that stands in incoming/, if it still does. */
  discard(path: string): Promise<void>;
  /** Null when there is no such blob. */
  stat(sha256: string): Promise<{ size: number; changedAt: number } | null>;
  /** All of a small blob. */
  read(sha256: string): Promise<Uint8Array>;
  /** All of another file in the data directory. */
  readFile(path: string): Promise<Uint8Array>;
  remove(sha256: string): Promise<void>;
  /** Every blob's digest, folder by folder. */
  list(): AsyncGenerator<string>;
}

export function openBlobs(layout: Layout, evidenceBytes = EVIDENCE_BYTES): Blobs {
  let counter = 0;
  let evidence: Promise<number> | null = null;
  const folders = new Set<string>();

  function pathIn(root: string, sha256: string): string {
    if (!SHA256.test(sha256)) throw new TypeError(`Not a SHA-256: ${sha256}`);
    return join(root, sha256.slice(0, 2), sha256.slice(2));
  }

  /** The path, in a folder that exists. */
  async function place(root: string, sha256: string): Promise<string> {
    const path = pathIn(root, sha256);
    const folder = join(root, sha256.slice(0, 2));
    if (!folders.has(folder)) {
      await guard(mkdir(folder, { recursive: true }));
      folders.add(folder);
    }
    return path;
  }

  /** Whether these refused bytes are to be kept: they are not here yet, and not too many are. */
  async function isWanted(sha256: string, size: number): Promise<boolean> {
    if (await stat(pathIn(layout.evidence, sha256)).catch(() => null)) return false;
    evidence ??= sizeOf(layout.evidence);
    const total = (await evidence) + size;
    if (total > evidenceBytes) return false;
    evidence = Promise.resolve(total);
    return true;
  }

  const nextPath = () => join(layout.incoming, `${process.pid}-${++counter}`);

  async function begin(): Promise<Incoming> {
    const path = nextPath();
    const file = await guard(open(path, "wx", READ_ONLY));
    let isOpen = true;
    let isThere = true;
    let size = 0;
    async function close(): Promise<void> {
      if (!isOpen) return;
      isOpen = false;
      await file.close();
    }
    async function moveTo(root: string, sha256: string): Promise<void> {
      await close();
      await guard(rename(path, await place(root, sha256)));
      isThere = false;
    }
    return {
      path,
      async write(chunk) {
        let at = 0;
        while (at < chunk.length) at += (await guard(file.write(chunk, at))).bytesWritten;
        size += chunk.length;
      },
      commit: (sha256) => moveTo(layout.blobs, sha256),
      async condemn(sha256) {
        if (await isWanted(sha256, size)) await moveTo(layout.evidence, sha256);
      },
      async abandon() {
        if (!isThere) return;
        isThere = false;
        await close();
        await unlink(path);
      },
    };
  }

  async function store(root: string, sha256: string, bytes: Uint8Array): Promise<void> {
    const path = nextPath();
    try {
      await guard(writeFile(path, bytes, { mode: READ_ONLY, flag: "wx" }));
      await guard(rename(path, await place(root, sha256)));
    } catch (error) {
      await unlink(path).catch(() => {}); // it may never have been made
      throw error;
    }
  }

  return {
    path: (sha256) => pathIn(layout.blobs, sha256),
    begin,
    put: (sha256, bytes) => store(layout.blobs, sha256, bytes),
    async condemn(sha256, bytes) {
      if (await isWanted(sha256, bytes.length)) await store(layout.evidence, sha256, bytes);
    },
    async adopt(path, sha256) {
      await guard(rename(path, await place(layout.blobs, sha256)));
    },
    discard: (path) => rm(path, { force: true }),
    async stat(sha256) {
      const found = await stat(pathIn(layout.blobs, sha256)).catch(() => null);
      return found ? { size: found.size, changedAt: found.mtimeMs } : null;
    },
    read: (sha256) => readFile(pathIn(layout.blobs, sha256)),
    readFile: (path) => readFile(path),
    async remove(sha256) {
      await unlink(pathIn(layout.blobs, sha256)).catch((error) => {
        if (error.code !== "ENOENT") throw error;
      });
    },
    async *list() {
      for (const folder of (await readdir(layout.blobs)).sort())
        for (const name of (await readdir(join(layout.blobs, folder)).catch(() => [])).sort())
          if (SHA256.test(folder + name)) yield folder + name; // not what others left there
    },
  };
}

/** Bytes of all files in a folder's folders. */
async function sizeOf(root: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) size += (await stat(join(entry.parentPath, entry.name))).size;
  return size;
}
