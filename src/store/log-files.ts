// The files of the append-only log: whole and on the disk before anything names them.
import { access, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { guard } from "./guard.ts";
import { FILE_MODE, FOLDER_MODE } from "./layout.ts";

export interface LogFiles {
  /** Null when there is none. */
  read(path: string): Promise<Uint8Array | null>;
  has(path: string): Promise<boolean>;
  /** When it was last written, in milliseconds since the epoch; null when there is none. */
  writtenAt(path: string): Promise<number | null>;
  /** Resolves when the file is on the disk, under its name. It takes the place of one that was there at once, and whole. */
  write(path: string, bytes: Uint8Array | string): Promise<void>;
  /** The same where what is there is still `before`, null for nothing; false, and nothing is done, where it is something else. */
  replace(path: string, text: string, before: string | null): Promise<boolean>;
  /** A file, or a folder with all that is in it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /** Puts all that is there aside, below a name that is free. Returns the folder. */
  setAside(): Promise<string>;
}

/** `root`: made when something is written. */
export function openLogFiles(root: string): LogFiles {
  async function read(path: string): Promise<Uint8Array | null> {
    try {
      return await readFile(join(root, path));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  return {
    read,
    has: (path) =>
      access(join(root, path)).then(
        () => true,
        () => false,
      ),
    async writtenAt(path) {
      try {
        return (await stat(join(root, path))).mtimeMs;
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    write: (path, bytes) => guard(writeWhole(join(root, path), bytes)),
    // One process at a time writes a data directory.
    async replace(path, text, before) {
      const found = await read(path);
      const now = found && Buffer.from(found).toString();
      if (now === text) return true;
      if (now !== before) return false;
      await guard(writeWhole(join(root, path), text));
      return true;
    },
    remove: (path) => rm(join(root, path), { recursive: true, force: true }),
    async setAside() {
      const names = await readdir(dirname(root));
      for (let number = 1; ; number += 1) {
        const name = `log.${number}`;
        if (names.includes(name)) continue;
        const aside = join(dirname(root), name);
        await rename(root, aside).catch((error) => {
          if (!isMissing(error)) throw error;
        });
        return aside;
      }
    },
  };
}

async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  const part = `${path}.part`;
  const file = await open(part, "w", FILE_MODE);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(part, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
