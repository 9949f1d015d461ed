// Rendered documents on disk: a folder for each document, so that the views of what it was before are found and removed.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileBody } from "../core/reply.ts";

/** Views above this are sent from disk. Bytes of gzip. */
const IN_MEMORY = 1024 * 1024;

export interface ViewFile {
  /** The view's entity tag: what it depends on, hashed. */
  readonly etag: string;
  /** Where a renderer may write it before `finish`. */
  begin(): Promise<string>;
  /** The stored view, or null. */
  load(): Promise<Uint8Array | FileBody | null>;
  /** Stores bytes. Not waited for by clients: a view that is not on disk is rendered again. */
  save(bytes: Uint8Array): void;
  /** Gives what was written to `temporary` its name. */
  finish(): Promise<Uint8Array | FileBody>;
}

export interface Views {
  /** `document` is what the view is of, `digest` which state of it, `view` which view. */
  file(document: string[], digest: string, view: string[]): ViewFile;
  list(): AsyncGenerator<{ path: string; size: number; changedAt: number }>;
  remove(path: string): Promise<void>;
}

export function openViews(root: string): Views {
  return {
    file(document, digest, view) {
      const folderName = hash(document);
      const folder = join(root, folderName.slice(0, 2), folderName.slice(2));
      const current = hash([digest]);
      const etag = hash([digest, ...view]);
      const path = join(folder, `${current}-${etag}.gz`);
      const temporary = `${path}.${process.pid}.part`;
      return {
        etag,
        async begin() {
          await mkdir(folder, { recursive: true });
          return temporary;
        },
        async load() {
          const found = await stat(path).catch(() => null);
          return found ? read(path, found.size) : null;
        },
        save(bytes) {
          const write = async () => {
            const made = await mkdir(folder, { recursive: true });
            await writeFile(temporary, bytes);
            await rename(temporary, path);
            if (made === undefined) await forgetOthers(folder, current);
          };
          write().catch(() => rm(temporary, { force: true }));
        },
        async finish() {
          await rename(temporary, path);
          forgetOthers(folder, current).catch(() => {}); // only disk space is at stake, and `gc` comes by
          return read(path, (await stat(path)).size);
        },
      };
    },
    async *list() {
      for (const first of await readdir(root))
        for (const second of await readdir(join(root, first)))
          for (const name of await readdir(join(root, first, second))) {
            const path = join(root, first, second, name);
            const found = await stat(path).catch(() => null);
            if (found) yield { path, size: found.size, changedAt: found.mtimeMs };
          }
    },
    remove: (path) => rm(path, { force: true }),
  };
}

async function read(path: string, size: number): Promise<Uint8Array | FileBody> {
  return size <= IN_MEMORY ? await readFile(path) : { path, size };
}

/** Removes the views of what the document was before. A response that is sending one keeps its open file. */
async function forgetOthers(folder: string, current: string): Promise<void> {
  for (const file of await readdir(folder))
    if (!file.startsWith(current)) await rm(join(folder, file), { force: true });
}

function hash(parts: string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 32);
}
