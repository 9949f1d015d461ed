// Content-addressed files. A name that exists is whole and true to its digest.
//
// Everything is asynchronous: on a busy disk even a rename can take a second, and no request may wait for another's.
// Fetched bytes are not synced one by one: after a power cut a file may be short or gone, which its size tells when it is
// next read, and it is fetched again and held against its pin (docs/decisions/0007-no-sync-for-fetched-bytes.md). What exists
// nowhere else is: each write says which of the two it is.
import {
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  unlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Fill } from "./fill.ts";
import { createFolderRelay } from "./folder-relay.ts";
import { guard, isDiskFull, lookAt, namesIn } from "./guard.ts";
import { FOLDER_MODE, fileOf, type Layout, READ_ONLY, SHA256 } from "./layout.ts";
import type { Relay } from "./relay.ts";
import { hashFile } from "./sink.ts";

/** Refused bytes are kept up to here in all: who sends them must not fill the disk with them. */
const EVIDENCE_BYTES = 1024 * 1024 * 1024;

/** Whether bytes must survive a power cut from the moment at which the write resolves. Costs syncs: tens of milliseconds on a busy disk. */
export interface Durability {
  durable: boolean;
}

/** A download under way: bytes go to a private file and get their name only when they are proven. */
export interface Incoming {
  readonly path: string;
  write(chunk: Uint8Array): Promise<void>;
  /** Gives the bytes their name. `sha256` must be that of what was written. */
  commit(sha256: string, how: Durability): Promise<void>;
  /** Moves the bytes to the evidence folder instead, while there is room, so that an investigation can look at them. */
  condemn(sha256: string): Promise<void>;
  /** Removes the file; a no-op after commit or condemn. */
  abandon(): Promise<void>;
}

export interface BlobStat {
  size: number;
  /** Milliseconds since the epoch. */
  changedAt: number;
  /** Another one when the bytes were replaced or written to, unless somebody hid that. */
  stamp: string;
  /** Whether they were compared with their digest on their way here. */
  isProven?: boolean;
}

export interface Blobs {
  /**
   * A file on this machine with the blob's bytes, which stays for some minutes; null when there is no such blob. Throws Problem("busy") where that
   * cannot be told.
   */
  local(sha256: string): Promise<string | null>;
  /**
   * A large blob of which there is no copy on this machine yet, to be read along while it comes; null where there is one, where there is no such blob, and of
   * small ones. `size` is that of the blob, in bytes. Throws Problem("busy") where that cannot be told.
   */
  coming(sha256: string, size: number): Promise<Fill | null>;
  begin(): Promise<Incoming>;
  /** Stores bytes that are whole in memory. */
  put(sha256: string, bytes: Uint8Array, how: Durability): Promise<void>;
  /** Keeps refused bytes that are whole in memory, while there is room. */
  condemn(sha256: string, bytes: Uint8Array): Promise<void>;
  /** Gives a file that stands in incoming/ its name. */
  adopt(path: string, sha256: string, how: Durability): Promise<void>;
  /** Removes a file that stands in incoming/, if it still does. */
  discard(path: string): Promise<void>;
  /** Null when there is no such blob. Of the file on this machine where there is one. */
  stat(sha256: string): Promise<BlobStat | null>;
  /** The same, asked where it is kept for good. */
  stored(sha256: string): Promise<BlobStat | null>;
  /** The SHA-256 of the bytes that are kept for good, read afresh; null when there are none. `breathe` is awaited between pieces. */
  digest(sha256: string, breathe?: () => Promise<void>): Promise<string | null>;
  /** A URL by which whoever has it can read the blob, for some minutes; null where it is kept in no place that has any. */
  link(
    sha256: string,
    method: "GET" | "HEAD",
    headers: Record<string, string>,
  ): Promise<string | null>;
  /** Lets go of a copy on this machine of what is kept elsewhere. */
  forget(sha256: string): Promise<void>;
  /** All of a small blob. */
  read(sha256: string): Promise<Uint8Array>;
  /** All of another file in the data directory. */
  readFile(path: string): Promise<Uint8Array>;
  remove(sha256: string): Promise<void>;
  /** Takes the name from bytes that are not true to it, and whose digest is `found`: they are kept as evidence, while there is room. */
  depose(sha256: string, found: string): Promise<void>;
  /** Every blob's digest, in order. */
  list(): AsyncGenerator<string>;
  /** The way for what is no blob yet to others that share the blobs. */
  readonly relay: Relay;
}

export interface BlobOptions {
  evidenceBytes?: number;
  /** Called where the disk is full. Whether something went, so that it is worth another try. */
  makeRoom?(): Promise<boolean>;
  /** Sees to it that a file or folder is on the disk. For tests. */
  sync?(path: string): Promise<void>;
}

/** In a folder of this machine. */
export function openBlobs(layout: Layout, options: BlobOptions = {}): Blobs {
  const { evidenceBytes = EVIDENCE_BYTES, makeRoom = async () => false, sync = syncPath } = options;
  let counter = 0;
  let evidence: Promise<number> | null = null;
  const folders = new Set<string>();

  /** Once more where the disk was full and is not any more. */
  async function write<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await guard(work());
    } catch (error) {
      if (!isDiskFull(error) || !(await makeRoom())) throw error;
      return guard(work());
    }
  }

  /** Gives what stands at `from` its name. A durable one is on the disk before it has it, and so is the name before this resolves. */
  async function name(from: string, root: string, sha256: string, how: Durability) {
    const path = fileOf(root, sha256);
    const folder = dirname(path);
    if (!folders.has(folder)) {
      await write(() => mkdir(folder, { recursive: true, mode: FOLDER_MODE }));
      folders.add(folder);
    }
    if (how.durable) await guard(sync(from));
    await write(() => rename(from, path)).catch(async (error) => {
      if (error.code !== "ENOENT") throw error;
      await guard(mkdir(folder, { recursive: true, mode: FOLDER_MODE })); // it was removed by hand
      await guard(rename(from, path));
    });
    if (!how.durable) return;
    await guard(sync(folder));
    await guard(sync(root)); // where the folder itself may be new
  }

  /** Whether these refused bytes are to be kept: they are not here yet, and not too many are. */
  async function isWanted(sha256: string, size: number): Promise<boolean> {
    if (await lookAt(fileOf(layout.evidence, sha256))) return false;
    evidence ??= sizeOf(layout.evidence);
    const total = (await evidence) + size;
    if (total > evidenceBytes) return false;
    evidence = Promise.resolve(total);
    return true;
  }

  /** Makes something in incoming/, which is made again where it was removed by hand. */
  async function make<T>(work: () => Promise<T>): Promise<T> {
    return write(work).catch(async (error) => {
      if (error.code !== "ENOENT") throw error;
      await guard(mkdir(layout.incoming, { recursive: true, mode: FOLDER_MODE }));
      return write(work);
    });
  }

  const nextPath = () => join(layout.incoming, `${process.pid}-${++counter}`);

  async function begin(): Promise<Incoming> {
    const path = nextPath();
    const file = await make(() => open(path, "wx", READ_ONLY));
    let isOpen = true;
    let isThere = true;
    let size = 0;
    async function close(): Promise<void> {
      if (!isOpen) return;
      isOpen = false;
      await guard(file.close());
    }
    async function moveTo(root: string, sha256: string, how: Durability): Promise<void> {
      await close();
      await name(path, root, sha256, how);
      isThere = false;
    }
    return {
      path,
      async write(chunk) {
        let at = 0;
        while (at < chunk.length) at += (await write(() => file.write(chunk, at))).bytesWritten;
        size += chunk.length;
      },
      commit: (sha256, how) => moveTo(layout.blobs, sha256, how),
      async condemn(sha256) {
        if (await isWanted(sha256, size)) await moveTo(layout.evidence, sha256, FLEETING);
      },
      async abandon() {
        if (!isThere) return;
        isThere = false;
        await close();
        await guard(rm(path, { force: true }));
      },
    };
  }

  async function store(root: string, sha256: string, bytes: Uint8Array, how: Durability) {
    const path = nextPath();
    try {
      await make(async () => {
        await rm(path, { force: true }); // what of it found room
        await writeFile(path, bytes, { mode: READ_ONLY, flag: "wx" });
      });
      await name(path, root, sha256, how);
    } catch (error) {
      await unlink(path).catch(() => {}); // it may never have been made
      throw error;
    }
  }

  async function statOf(sha256: string): Promise<BlobStat | null> {
    const found = await lookAt(fileOf(layout.blobs, sha256));
    if (!found) return null;
    const { size, mtimeMs, ino } = found;
    return { size, changedAt: mtimeMs, stamp: `${ino} ${size} ${mtimeMs}` };
  }

  async function remove(sha256: string): Promise<void> {
    await guard(rm(fileOf(layout.blobs, sha256), { force: true }));
  }

  async function local(sha256: string): Promise<string | null> {
    const path = fileOf(layout.blobs, sha256);
    return (await lookAt(path)) ? path : null;
  }

  return {
    local,
    begin,
    put: (sha256, bytes, how) => store(layout.blobs, sha256, bytes, how),
    async condemn(sha256, bytes) {
      if (await isWanted(sha256, bytes.length))
        await store(layout.evidence, sha256, bytes, FLEETING);
    },
    async adopt(path, sha256, how) {
      await guard(chmod(path, READ_ONLY));
      await name(path, layout.blobs, sha256, how);
    },
    discard: (path) => rm(path, { force: true }),
    stat: statOf,
    stored: statOf,
    async digest(sha256, breathe) {
      const path = fileOf(layout.blobs, sha256);
      return (await lookAt(path)) ? guard(hashFile(path, breathe)) : null;
    },
    coming: async () => null,
    link: async () => null,
    async forget() {},
    read: (sha256) => guard(readFile(fileOf(layout.blobs, sha256))),
    readFile: (path) => guard(readFile(path)),
    remove,
    async depose(sha256, found) {
      const path = fileOf(layout.blobs, sha256);
      const size = (await lookAt(path))?.size ?? 0;
      if (await isWanted(found, size)) await name(path, layout.evidence, found, FLEETING);
      else await remove(sha256);
    },
    async *list() {
      for (const folder of await namesIn(layout.blobs))
        for (const name of await namesIn(join(layout.blobs, folder)))
          if (SHA256.test(folder + name)) yield folder + name; // not what others left there
    },
    relay: createFolderRelay(local),
  };
}

const FLEETING: Durability = { durable: false };

/** Sees to it that a file's bytes, or a folder's names, are on the disk. */
async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Bytes of all files in a folder's folders, which may be removed by hand at any time. */
async function sizeOf(root: string): Promise<number> {
  let size = 0;
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries)
    if (entry.isFile())
      size += (await lookAt(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0;
  return size;
}
