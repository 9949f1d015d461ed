// Rendered documents on disk: a folder for each document, so that the views of what it was before are found and removed.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileBody } from "../core/reply.ts";
import { guard } from "./guard.ts";

/** Views above this are sent from disk. Bytes of gzip. */
const IN_MEMORY = 1024 * 1024;
/** Views kept of one document. Clients choose the host in them, and it costs the disk a file each. */
export const VIEWS_OF_ONE = 64;
/** A view of another state that is younger than this may be of a newer one: large ones are rendered in no order. */
const YOUNG_MS = 60_000;

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
  /** Whether a view that was loaded is still on disk. */
  isThere(view: FileBody): Promise<boolean>;
}

export function openViews(root: string): Views {
  let counter = 0;
  return {
    file(document, digest, view) {
      const folderName = hash(document);
      const folder = join(root, folderName.slice(0, 2), folderName.slice(2));
      const current = hash([digest]);
      const etag = hash([digest, ...view]);
      const name = `${current}-${etag}-`;
      const temporary = join(folder, `${current}-${etag}.gz.${process.pid}-${++counter}.part`);

      /** The size is part of the name: a power cut may leave the file short. */
      async function keep(size: number): Promise<string> {
        const path = join(folder, `${name}${size}.gz`);
        await guard(rename(temporary, path));
        await tidy(folder, current, path).catch(() => {}); // only disk space is at stake, and `gc` comes by
        return path;
      }
      return {
        etag,
        async begin() {
          await guard(mkdir(folder, { recursive: true }));
          return temporary;
        },
        async load() {
          for (const file of await readdir(folder).catch(() => []))
            if (file.startsWith(name) && file.endsWith(".gz")) {
              const size = Number(file.slice(name.length, -3));
              const path = join(folder, file);
              if ((await stat(path).catch(() => null))?.size === size) return read(path, size);
            }
          return null;
        },
        save(bytes) {
          const write = async () => {
            await mkdir(folder, { recursive: true });
            await writeFile(temporary, bytes);
            await keep(bytes.length);
          };
          write().catch(() => rm(temporary, { force: true }));
        },
        async finish() {
          const { size } = await stat(temporary);
          return read(await keep(size), size);
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
    async isThere({ path, size }) {
      return (await stat(path).catch(() => null))?.size === size;
    },
  };
}

async function read(path: string, size: number): Promise<Uint8Array | FileBody> {
  return size <= IN_MEMORY ? await readFile(path) : { path, size };
}

/**
 * Removes the views of what the document was before, and the oldest where there are too many; `made` stays. A response that is
 * sending one keeps its open file.
 */
async function tidy(folder: string, current: string, made: string): Promise<void> {
  const ours: { path: string; at: number }[] = [];
  for (const file of await readdir(folder)) {
    const path = join(folder, file);
    if (path === made || file.endsWith(".part")) continue;
    const at = (await stat(path).catch(() => null))?.mtimeMs ?? 0;
    if (file.startsWith(current)) ours.push({ path, at });
    else if (Date.now() - at > YOUNG_MS) await rm(path, { force: true });
  }
  ours.sort((a, b) => b.at - a.at);
  for (const { path } of ours.slice(VIEWS_OF_ONE - 1)) await rm(path, { force: true });
}

function hash(parts: string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 32);
}
