// Files written in a stream: views and documents that are too large to stand in memory.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rm, stat, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { RandomAccess } from "../core/artifact.ts";
import { guard } from "./guard.ts";
import { FILE_MODE } from "./layout.ts";

// Measured on 794 packuments of 43 MB: libdeflate's level 1 makes 6.3 MB in 95 ms, zlib's level 4 6.0 MB in 164 ms.
const LEVEL = 4;
/** Text up to here is compressed in one go. Bytes. */
const AT_ONCE = 8 * 1024 * 1024;
/** What is written bit by bit goes out in pieces of about this size. Bytes. */
const PIECE = 256 * 1024;

/** Compresses text that is whole in memory. Deterministic. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return Bun.gzipSync(bytes as Uint8Array<ArrayBuffer>, { library: "libdeflate", level: 1 });
}

/** Writes the gzip of `chunks` to a new file; returns its size in bytes. What is small is compressed in one go. */
export async function writeGzip(
  path: string,
  chunks: AsyncIterable<Uint8Array | string>,
): Promise<number> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let size = 0;
  let isAll = false;
  while (size < AT_ONCE && !isAll) {
    const { done, value } = await iterator.next();
    if (done) isAll = true;
    else {
      const bytes = typeof value === "string" ? Buffer.from(value) : value;
      first.push(bytes);
      size += bytes.length;
    }
  }
  if (isAll) {
    const packed = gzip(Buffer.concat(first));
    await writeFile(path, packed, { mode: FILE_MODE });
    return packed.length;
  }
  async function* all(): AsyncGenerator<Uint8Array | string> {
    yield* first;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  await pipeline(
    Readable.from(all()),
    createGzip({ level: LEVEL }),
    createWriteStream(path, { mode: FILE_MODE }),
  );
  return (await stat(path)).size;
}

/** The SHA-256 of a file, hexadecimal, read in a stream; `breathe` is awaited after each piece of 1 MiB, and may throw to end it. */
export async function hashFile(path: string, breathe?: () => Promise<void>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk);
    await breathe?.();
  }
  return hash.digest("hex");
}

/** Bytes in a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

/** Removes a file, if there is one. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Random access to a file; closed by `close`. */
export async function openRandom(path: string): Promise<RandomAccess & { close(): Promise<void> }> {
  const file = await guard(open(path, "r"));
  const { size } = await file.stat();
  return {
    size,
    async read(offset, length, into) {
      const wanted = Math.max(0, Math.min(length, size - offset));
      const buffer = into?.subarray(0, wanted) ?? new Uint8Array(wanted);
      const { bytesRead } = await guard(file.read(buffer, 0, buffer.length, offset));
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

/** Random access to bytes in memory. */
export function memoryRandom(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** A file that is written bit by bit. */
export interface Output {
  write(chunk: Uint8Array | string): Promise<void>;
  /** All of it is in the file. Throws what kept it from getting there. */
  end(): Promise<void>;
  remove(): Promise<void>;
}

/** Small writes are put together. */
export function openOutput(path: string): Output {
  const pieces = new TransformStream<Uint8Array, Uint8Array>();
  const writer = pieces.writable.getWriter();
  const done = pipeline(
    Readable.from(pieces.readable as unknown as AsyncIterable<Uint8Array>),
    createWriteStream(path, { mode: FILE_MODE }),
  );
  done.catch(() => writer.abort().catch(() => {})); // awaited in end(); a full disk must not leave a writer waiting
  let parts: Uint8Array[] = [];
  let size = 0;
  async function flush(): Promise<void> {
    const piece = Buffer.concat(parts);
    parts = [];
    size = 0;
    await Promise.race([writer.write(piece), done]);
  }
  return {
    async write(chunk) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      parts.push(bytes);
      size += bytes.length;
      if (size >= PIECE) await flush();
    },
    async end() {
      if (size > 0) await flush();
      await Promise.race([writer.close(), done]);
      await done;
    },
    async remove() {
      await writer.abort().catch(() => {});
      await done.catch(() => {});
      await rm(path, { force: true });
    },
  };
}
