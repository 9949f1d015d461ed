// A bucket as a place that stored files are copied from or to: in parts as they come, so that none need be on this machine's disk.
import { createHash } from "node:crypto";
import type { Bucket } from "./bucket.ts";
import { FOLDER as BLOBS } from "./bucket-blobs.ts";
import type { BlobPlace } from "./copy-blobs.ts";
import { fileOf, SHA256 } from "./layout.ts";

/** Bytes of a part: what is no longer is sent whole. Each copy that is under way has one in memory. */
const PART = 8 * 1024 * 1024;

/** `folder`: that they are below. `seen`: told of each that is listed. */
export function bucketPlace(
  bucket: Bucket,
  folder = BLOBS,
  seen?: (sha256: string, size: number) => void,
): BlobPlace {
  const nameOf = (sha256: string) => fileOf(folder, sha256);
  return {
    async *list() {
      for await (const { path, size } of bucket.list(`${folder}/`)) {
        const sha256 = path.slice(folder.length + 1).replace("/", "");
        if (!SHA256.test(sha256)) continue; // what others left there
        seen?.(sha256, size);
        yield sha256;
      }
    },
    size: async (sha256) => (await bucket.stat(nameOf(sha256)))?.size ?? null,
    read: async (sha256) => (await bucket.get(nameOf(sha256)))?.chunks ?? null,
    async put(sha256, bytes, told) {
      const whole = createHash("sha256");
      let upload: Awaited<ReturnType<Bucket["begin"]>> | null = null;
      let number = 0;
      let size = 0;
      try {
        for await (const { part, isLast } of partsOf(bytes)) {
          whole.update(part);
          size += part.length;
          const isTrue = !isLast || whole.copy().digest("hex") === sha256;
          if (!isTrue) {
            await upload?.abandon();
            return false;
          }
          if (isLast && !upload) {
            await bucket.put(nameOf(sha256), part, sha256);
            break;
          }
          upload ??= await bucket.begin(nameOf(sha256));
          number += 1;
          const digest = createHash("sha256").update(part).digest("hex");
          await upload.part(number, part, digest);
          if (isLast) await upload.finish();
        }
      } catch (error) {
        await upload?.abandon().catch(() => {}); // the reason is worth more
        throw error;
      }
      told(size);
      return true;
    },
  };
}

/** At least one, which may be empty. Small files come in one piece, and are not copied. */
async function* partsOf(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ part: Uint8Array; isLast: boolean }> {
  let pieces: Uint8Array[] = [];
  let filled = 0;
  const part = () => (pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces)));
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; ) {
      // Only now is it known that there is more.
      if (filled === PART) {
        yield { part: part(), isLast: false };
        pieces = [];
        filled = 0;
      }
      const piece = chunk.subarray(at, at + PART - filled);
      pieces.push(piece);
      filled += piece.length;
      at += piece.length;
    }
  yield { part: part(), isLast: true };
}
