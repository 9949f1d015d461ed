// The files of the append-only log in a bucket, by the names that they have in a folder.
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Bucket } from "./bucket.ts";
import type { LogFiles } from "./log-files.ts";

/** 256 entries of 64 KiB, with what stands between them. */
const LIMIT = 17 * 1024 * 1024;
export const FOLDER = "log";

export function openBucketLog(bucket: Bucket): LogFiles {
  const put = (path: string, given: Uint8Array | string, ...condition: PutCondition) => {
    const bytes = Buffer.from(given);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return bucket.put(path, bytes, sha256, ...condition);
  };
  const read = (path: string) => bucket.read(path, LIMIT);
  const at = (path: string) => (path === "." ? FOLDER : `${FOLDER}/${path}`);

  async function removeBelow(path: string): Promise<void> {
    for await (const object of bucket.list(`${path}/`)) await bucket.remove(object.path);
  }

  async function isEmpty(path: string): Promise<boolean> {
    for await (const _ of bucket.list(`${path}/`)) return false;
    return true;
  }

  return {
    read: async (path) => (await read(at(path)))?.bytes ?? null,
    has: async (path) => (await bucket.stat(at(path))) !== null,
    writtenAt: async (path) => (await bucket.stat(at(path)))?.changedAt ?? null,
    async write(path, bytes) {
      await put(at(path), bytes);
    },
    async replace(path, bytes, before) {
      const found = await read(at(path));
      const text = found && Buffer.from(found.bytes).toString();
      if (text === bytes) return true; // of a write whose answer was lost
      if (text !== before) return false;
      return put(at(path), bytes, found ? { etag: found.etag } : "isNew");
    },
    async remove(path) {
      // A name that is no object but has some below it is not asked to go: where objects are files, it cannot.
      for await (const object of bucket.list(at(path)))
        if (object.path === at(path) || object.path.startsWith(`${at(path)}/`))
          await bucket.remove(object.path);
    },
    async setAside() {
      let number = 1;
      while (!(await isEmpty(`${FOLDER}.${number}`))) number += 1;
      const aside = `${FOLDER}.${number}`;
      // All of it is there before any of it goes.
      for await (const { path } of bucket.list(`${FOLDER}/`)) {
        const found = await read(path);
        if (!found) throw new Problem("busy", `${path} of ${bucket.name} went meanwhile`);
        await put(`${aside}${path.slice(FOLDER.length)}`, found.bytes);
      }
      await removeBelow(FOLDER);
      return `${aside}/ of ${bucket.name}`;
    },
  };
}

type PutCondition = [Parameters<Bucket["put"]>[3]?];
