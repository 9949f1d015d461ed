// A feed in a folder: archives of records and single ones, as they were carried over an air gap.
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Folder, FolderFile } from "../store/folder.ts";
import { idOf, jsonEntry, RECORD_LIMIT, zipEntries } from "./entries.ts";
import {
  type Entry,
  nothingTaken,
  removeVanished,
  type TakeDeps,
  type Taken,
  takeIn,
} from "./take.ts";

/** Null: nothing in it has changed since `etag`. `isWhole`: what it does not have is gone. */
export async function readFolder(
  deps: TakeDeps,
  feed: string,
  folder: Folder,
  { etag, isWhole, signal }: { etag: string | null; isWhole: boolean; signal?: AbortSignal },
): Promise<{ taken: Taken; etag: string } | null> {
  const files = (await folder.list()).filter(({ name }) => isRecord(name) || isArchive(name));
  const stamp = stampOf(files);
  if (stamp === etag) return null;
  if (files.length === 0)
    throw new Problem("malformed", "There is neither an archive (.zip) nor a record (.json) in it");
  const taken = nothingTaken();
  const how = { isForward: false, ...(signal && { signal }) };
  for (const { name } of files.filter(({ name }) => !isRecord(name))) {
    const file = await folder.open(name);
    try {
      await takeIn(deps, feed, zipEntries(file), taken, how);
    } finally {
      await file.close();
    }
  }
  await takeIn(deps, feed, single(folder, files), taken, how);
  if (isWhole) await removeVanished(deps, feed, taken);
  return { taken, etag: stamp };
}

async function* single(folder: Folder, files: readonly FolderFile[]): AsyncGenerator<Entry> {
  for (const { name, size } of files) {
    const id = idOf(name);
    if (id === null) continue;
    if (size > RECORD_LIMIT) {
      yield {
        id,
        mark: "",
        async read() {
          throw new Problem("malformed", `It is larger than ${RECORD_LIMIT} bytes`);
        },
      };
      continue;
    }
    const bytes = await folder.read(name);
    yield jsonEntry(id, bytes);
  }
}

function isRecord(name: string): boolean {
  return idOf(name) !== null;
}

function isArchive(name: string): boolean {
  return name.endsWith(".zip");
}

function stampOf(files: readonly FolderFile[]): string {
  const hash = createHash("sha256");
  for (const { name, size, changedAt } of files) hash.update(`${name}\0${size}\0${changedAt}\n`);
  return hash.digest("hex");
}
