// Sees to it that what was committed is on the disk: the log's bytes are synced beside the loop, for all who wait at once.
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";

export interface LogSync {
  /** Resolves when all that was committed before this call is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** `path`: of the database. */
export function createLogSync(path: string, syncLog?: () => Promise<void>): LogSync {
  // SQLite locks the database and its -shm file, never the log: that a second descriptor of it is closed takes no lock away.
  let file: Promise<FileHandle> | null = null;
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  async function write(): Promise<void> {
    if (syncLog) return syncLog();
    file ??= openLog().catch((error) => {
      file = null;
      throw error;
    });
    await (await file).datasync();
  }

  /** The log stays the same file for as long as the database is open. Its name in the folder must be there as well. */
  async function openLog(): Promise<FileHandle> {
    const folder = await open(dirname(path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    return open(`${path}-wal`, "r");
  }

  function begin(): Promise<void> {
    const ours = write().finally(() => {
      if (running === ours) running = null;
    });
    running = ours;
    return ours;
  }

  return {
    sync() {
      if (!running) return begin();
      // What was committed since the running one began is not sure to be in it: all of that shares the one after it.
      next ??= running
        .catch(() => {})
        .then(() => {
          next = null;
          return begin();
        });
      return next;
    },
    async close() {
      await Promise.allSettled([running, next]);
      await (await file?.catch(() => null))?.close();
    },
  };
}
