// A folder that an operator puts files into: nothing of it is ours, and nothing is written there.
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { Problem } from "../core/problem.ts";
import { openRandom } from "./sink.ts";

export interface FolderFile {
  /** From the folder on, with slashes. */
  name: string;
  size: number;
  /** Milliseconds since the epoch. */
  changedAt: number;
}

export interface Folder {
  /** All files in it, at any depth, by name. Throws Problem("unreachable") for a folder that cannot be read. */
  list(): Promise<FolderFile[]>;
  /** Throws as `list` does. */
  read(name: string): Promise<Uint8Array>;
  /** To be closed. Throws as `list` does. */
  open(name: string): ReturnType<typeof openRandom>;
}

/** `path`: of a folder, or of one file that then stands for a folder with nothing else in it. */
export function openFolder(path: string): Folder {
  let isFile = false;
  const pathOf = (name: string) => (isFile ? path : join(path, name));
  return {
    async list() {
      try {
        const found = await stat(path);
        isFile = !found.isDirectory();
        if (isFile) return [{ name: basename(path), size: found.size, changedAt: found.mtimeMs }];
        const entries = await readdir(path, { recursive: true, withFileTypes: true });
        const files: FolderFile[] = [];
        for (const entry of entries) {
          if (!entry.isFile()) continue;
          const whole = join(entry.parentPath, entry.name);
          const { size, mtimeMs } = await stat(whole);
          files.push({
            name: relative(path, whole),
            size,
            changedAt: mtimeMs,
          });
        }
        return files.sort((a, b) => (a.name < b.name ? -1 : 1));
      } catch (error) {
        throw unreadable(path, error);
      }
    },
    read: (name) =>
      readFile(pathOf(name)).catch((error) => Promise.reject(unreadable(pathOf(name), error))),
    open: (name) =>
      openRandom(pathOf(name)).catch((error) => Promise.reject(unreadable(pathOf(name), error))),
  };
}

/** It is none of the data directory's files, whatever the store says of those. */
function unreadable(path: string, error: unknown): unknown {
  const cause = error instanceof Problem ? error.cause : error;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (!code) return error;
  return new Problem("unreachable", `${path} cannot be read (${code})`, { cause });
}
