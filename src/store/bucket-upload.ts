// Brings a file of this machine into a bucket: whole where it is small, else in parts, a few at a time.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Bucket } from "./bucket.ts";

/** Bytes of a part, each of which is in memory while it is sent. */
const PART = 8 * 1024 * 1024;
/** Parts that an object may have at most. */
const PARTS = 10_000;
/** Parts that are in memory at one time, of all uploads together. */
const AT_ONCE = 4;

export interface Uploads {
  /** It is in the bucket when this resolves. `sha256`: of the file. */
  upload(path: string, from: string, sha256: string): Promise<void>;
  /** Does what has a part's bytes in memory when there is a place for them. */
  inPlace<T>(work: () => Promise<T>): Promise<T>;
}

export function createUploads(bucket: Bucket, part = PART): Uploads {
  let free = AT_ONCE;
  const waiting: (() => void)[] = [];

  async function inPlace<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  }

  return {
    inPlace,
    async upload(path, from, sha256) {
      const file = await open(from, "r");
      try {
        const { size } = await file.stat();
        const read = async (at: number, length: number) => {
          const bytes = new Uint8Array(Math.min(length, size - at));
          let filled = 0;
          while (filled < bytes.length) {
            const { bytesRead } = await file.read(
              bytes,
              filled,
              bytes.length - filled,
              at + filled,
            );
            if (bytesRead === 0) throw new Error(`${from} became shorter while it was read`);
            filled += bytesRead;
          }
          return bytes;
        };
        if (size <= part) {
          await inPlace(async () => bucket.put(path, await read(0, size), sha256));
          return;
        }
        const length = Math.max(part, Math.ceil(size / PARTS));
        const begun = await bucket.begin(path);
        const numbers = Array.from(
          { length: Math.ceil(size / length) },
          (_, at) => at + 1,
        ).values();
        let isFailed = false;
        const work = async () => {
          for (const number of numbers) {
            if (isFailed) return;
            await inPlace(async () => {
              const bytes = await read((number - 1) * length, length);
              const digest = createHash("sha256").update(bytes).digest("hex");
              await begun.part(number, bytes, digest);
            });
          }
        };
        const fail = (error: unknown) => {
          isFailed = true;
          throw error;
        };
        try {
          const ends = Array.from({ length: AT_ONCE }, () => work().catch(fail));
          await Promise.allSettled(ends); // nothing reads the file once it is closed
          await Promise.all(ends);
          await begun.finish();
        } catch (error) {
          await begun.abandon().catch(() => {}); // the reason is worth more
          throw error;
        }
      } finally {
        await file.close();
      }
    },
  };
}
