// The bytes of a stored document, readable any number of times: from memory or from a gzip file.
import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import type { Source } from "../core/document.ts";
import { readJson } from "../core/json.ts";
import { Problem } from "../core/problem.ts";

const TEXT_LIMIT = 64 * 1024 * 1024;
/** Documents up to here are decompressed in one go, which costs half of a stream. Bytes. */
const AT_ONCE = 16 * 1024 * 1024;

/** A document that is whole in memory, uncompressed. */
export function memorySource(bytes: Uint8Array): Source {
  let parsed: unknown;
  let isParsed = false;
  const text = () => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return {
    size: bytes.length,
    async *chunks() {
      yield bytes;
    },
    async text() {
      return text();
    },
    async json() {
      if (!isParsed) {
        parsed = parseJson(bytes);
        isParsed = true;
      }
      return parsed;
    },
  };
}

/** The text of a gzip file of our own making, whatever its size. */
export async function readGzipText(path: string): Promise<string> {
  return gunzipSync(await readFile(path)).toString("utf8");
}

/** Bytes of a file as it is: from the first of them to the last, both included. */
export async function* filePart(path: string, start: number, last: number) {
  if (last < start) return;
  yield* createReadStream(path, { start, end: last, highWaterMark: 256 * 1024 });
}

export interface FileSource extends Source {
  /** True once it was read whole: then `text` and `json` need the file no more. */
  readonly isInMemory: boolean;
}

/** A document in a file, whose uncompressed size is told by the file: exactly, or as the gzip trailer says. */
export async function openFileSource(
  path: string,
  encoding: "gzip" | "identity",
  limit: number,
): Promise<FileSource> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (encoding === "identity") return fileSource(path, encoding, size, limit);
    const trailer = Buffer.alloc(4); // RFC 1952 §2.3.1: the size modulo 2^32. A lie is found out when it is read.
    await file.read(trailer, 0, 4, Math.max(0, size - 4));
    return fileSource(path, encoding, trailer.readUInt32LE(), limit);
  } finally {
    await file.close();
  }
}

/** A document in a file, `gzip` or as it is. `where`: its path, or how to find it when it is read. More than `limit` bytes uncompressed is a Problem("malformed"). */
export function fileSource(
  where: string | (() => Promise<string>),
  encoding: "gzip" | "identity",
  size: number | null,
  limit: number,
): FileSource {
  const locate = async () => (typeof where === "string" ? where : where());
  let known = size;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const file = createReadStream(await locate(), { highWaterMark: 256 * 1024 });
    let total = 0;
    const decoded: AsyncIterable<Uint8Array> = encoding === "gzip" ? gunzip(file) : file;
    for await (const chunk of decoded) {
      total += chunk.length;
      if (total > limit)
        throw new Problem("malformed", `The document is larger than ${limit} bytes`);
      yield chunk;
    }
    known = total;
  }
  async function whole(): Promise<Uint8Array> {
    if (encoding === "gzip" && size !== null && size <= Math.min(AT_ONCE, limit)) {
      const plain = gunzipUpTo(await readFile(await locate()), AT_ONCE);
      if (plain) {
        known = plain.length;
        return plain;
      }
    }
    const parts: Uint8Array[] = [];
    let total = 0;
    for await (const chunk of chunks()) {
      total += chunk.length;
      if (total > TEXT_LIMIT)
        throw new Problem("malformed", "The document is too large to be read whole");
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }
  let memory: Promise<Source> | null = null;
  const inMemory = () => {
    memory ??= whole().then(memorySource);
    return memory;
  };
  return {
    get size() {
      return known;
    },
    get isInMemory() {
      return memory !== null;
    },
    chunks: () => (memory ? wholeChunks(memory) : chunks()),
    text: async () => (await inMemory()).text(),
    json: async () => (await inMemory()).json(),
  };
}

async function* wholeChunks(memory: Promise<Source>): AsyncGenerator<Uint8Array> {
  yield* (await memory).chunks();
}

const notWhole = (cause?: unknown) =>
  new Problem("malformed", "The document is not whole gzip data", { cause });

async function* gunzip(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let trailer = Buffer.alloc(0);
  let size = 0;
  const stream = new ReadableStream<Uint8Array>({
    async start() {},
    async pull(controller) {
      const next = await iterator.next();
      if (next.done) controller.close();
      else {
        trailer = Buffer.concat([trailer, next.value.subarray(-4)]).subarray(-4);
        controller.enqueue(next.value);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  const iterator = file[Symbol.asyncIterator]();
  try {
    // biome-ignore lint/suspicious/noExplicitAny: Bun's and the DOM's stream types disagree about BufferSource
    const plain = stream.pipeThrough(new DecompressionStream("gzip") as any);
    for await (const chunk of plain as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) throw error; // the file, not what is in it
    throw notWhole(error);
  }
  // Decoders end with the first member (RFC 1952 §2.2); what follows would be lost without a word.
  if (trailer.length < 4 || trailer.readUInt32LE() !== size % 2 ** 32) throw notWhole();
}

/**
 * Decompressed bytes, or null when their trailer says that they are more than `limit` (RFC 1952 §2.3.1). Throws Problem("malformed") when
 * it is not gzip, or more than it says: never does it cost more memory than `limit`.
 */
export function gunzipUpTo(bytes: Uint8Array, limit: number): Uint8Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 18) throw notWhole();
  const size = view.getUint32(bytes.length - 4, true);
  if (size > limit) return null;
  let plain: Uint8Array;
  try {
    // What is claimed is the bound: a lie ends there, whatever it would have grown to.
    plain = gunzipSync(bytes, { maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) });
  } catch (error) {
    throw notWhole(error);
  }
  if (plain.length !== size) throw notWhole();
  return plain;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return readJson(bytes);
  } catch (error) {
    throw new Problem("malformed", "The document is not JSON that can be read", { cause: error });
  }
}
