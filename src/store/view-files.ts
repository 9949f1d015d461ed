// Rendered documents on disk: a folder for each document, so that the views of what it was before are found and removed. A file's name
// tells the size and the digest of its bytes: what a power cut left short or the disk altered is removed, and rendered again.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { FileBody } from "../core/reply.ts";
import { guard, namesIn } from "./guard.ts";
import { FILE_MODE, FOLDER_MODE } from "./layout.ts";
import { hashFile } from "./sink.ts";

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
  /** Where the stored view stands, whatever its size; null when there is none. */
  path(): Promise<string | null>;
  /** Stores bytes, and tells where. */
  put(bytes: Uint8Array): Promise<string>;
  /** Stores bytes. Not waited for by clients: a view that is not on disk is rendered again. */
  save(bytes: Uint8Array): void;
  /** Gives what was written to `temporary` its name. */
  finish(): Promise<Uint8Array | FileBody>;
}

/** <state>-<etag>-<size>-<digest of the bytes>.gz */
const NAME = /^[0-9a-f]{32}-[0-9a-f]{32}-(\d+)-([0-9a-f]{64})\.gz$/;

export interface ViewFiles {
  /** `document` is what the view is of, `digest` which state of it, `view` which view. */
  file(document: string[], digest: string, view: string[]): ViewFile;
  list(): AsyncGenerator<{ path: string; size: number; changedAt: number }>;
  remove(path: string): Promise<void>;
  /** Whether a view that was loaded is still on disk, as it was when its bytes were last hashed. */
  isThere(view: FileBody): Promise<boolean>;
  /** Whether a listed file's bytes are what its name says; null for what is no view: one that is being written, or was by an earlier version. */
  isSound(path: string): Promise<boolean | null>;
}

/** `damaged` is told of files whose bytes are not what they were, and which are removed. */
export function openViewFiles(root: string, damaged: (path: string) => void = () => {}): ViewFiles {
  let counter = 0;
  /** What the files were like when they were hashed. */
  const seen = new WeakMap<FileBody, string>();

  /** A view from its file, in memory when small; null when its bytes are not those that its name tells. */
  async function open(path: string): Promise<Uint8Array | FileBody | null> {
    const [, size, digest] = NAME.exec(basename(path))!;
    const before = await stamp(path);
    if (before?.size !== Number(size)) return null;
    if (before.size <= IN_MEMORY) {
      const bytes = await readFile(path);
      return sha256(bytes) === digest ? bytes : null;
    }
    if ((await hashFile(path)) !== digest) return null;
    const body = { path, size: before.size };
    seen.set(body, before.text);
    return body;
  }

  return {
    file(document, digest, view) {
      const folderName = hash(document);
      const folder = join(root, folderName.slice(0, 2), folderName.slice(2));
      const current = hash([digest]);
      const etag = hash([digest, ...view]);
      const name = `${current}-${etag}-`;
      const temporary = join(folder, `${current}-${etag}.gz.${process.pid}-${++counter}.part`);
      const make = () => guard(mkdir(folder, { recursive: true, mode: FOLDER_MODE }));

      async function keep(size: number, digest: string): Promise<string> {
        const path = join(folder, `${name}${size}-${digest}.gz`);
        await guard(rename(temporary, path));
        await tidy(folder, current, path).catch(() => {}); // only disk space is at stake, and `gc` comes by
        return path;
      }
      async function find() {
        for (const file of await readdir(folder).catch(() => [])) {
          if (!file.startsWith(name) || !NAME.test(file)) continue;
          const path = join(folder, file);
          const body = await open(path).catch(() => null);
          if (body) return { path, body };
          damaged(path);
          await rm(path, { force: true });
        }
        return null;
      }
      async function put(bytes: Uint8Array): Promise<string> {
        try {
          await make();
          await guard(writeFile(temporary, bytes, { mode: FILE_MODE }));
          return await keep(bytes.length, sha256(bytes));
        } catch (error) {
          await rm(temporary, { force: true });
          throw error;
        }
      }
      return {
        etag,
        async begin() {
          await make();
          return temporary;
        },
        load: async () => (await find())?.body ?? null,
        path: async () => (await find())?.path ?? null,
        put,
        save(bytes) {
          put(bytes).catch(() => {}); // it is rendered again
        },
        async finish() {
          const before = (await stamp(temporary))!;
          const { size } = before;
          if (size <= IN_MEMORY) {
            const bytes = await guard(readFile(temporary));
            await keep(size, sha256(bytes));
            return bytes;
          }
          const body = { path: await keep(size, await guard(hashFile(temporary))), size };
          seen.set(body, before.text);
          return body;
        },
      };
    },
    async *list() {
      for (const first of await namesIn(root))
        for (const second of await namesIn(join(root, first)))
          for (const name of await namesIn(join(root, first, second))) {
            const path = join(root, first, second, name);
            const found = await stat(path).catch(() => null);
            if (found) yield { path, size: found.size, changedAt: found.mtimeMs };
          }
    },
    remove: (path) => rm(path, { force: true }),
    async isThere(view) {
      const found = await stamp(view.path);
      return found !== null && found.text === seen.get(view);
    },
    async isSound(path) {
      const [, size, digest] = NAME.exec(basename(path)) ?? [];
      if (size === undefined) return null;
      const found = await stamp(path);
      if (!found) return null; // removed meanwhile
      return found.size === Number(size) && (await guard(hashFile(path))) === digest;
    },
  };
}

/** What changes when a file is written to or replaced. A new name is none. */
async function stamp(path: string): Promise<{ size: number; text: string } | null> {
  const found = await stat(path).catch(() => null);
  return found && { size: found.size, text: `${found.ino} ${found.size} ${found.mtimeMs}` };
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

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hash(parts: string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 32);
}
