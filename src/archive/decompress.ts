// Uncompresses one file as it is read, by its name: gzip (RFC 1952), xz (tukaani.org/xz/xz-file-format.txt), Zstandard (RFC 8878), and
// those that older archives have: bzip2, lzma, lz4.
import { createGunzip, createZstdDecompress } from "node:zlib";
import { XzReadableStream } from "xz-decompress";
import { Problem } from "../core/problem.ts";
import { through } from "../core/through.ts";
import { unbzip2 } from "./bzip2.ts";
import { unlz4 } from "./lz4.ts";
import { unlzma } from "./lzma.ts";
import { wholeFrames } from "./zstd-frames.ts";

type Bytes = AsyncIterable<Uint8Array>;

/**
 * The uncompressed bytes of the file `name`, by its extension; of any other name the bytes as they are. Broken or truncated data,
 * more than `limit` bytes, and a compression that cannot be read (.lz) are Problem("malformed"). What the source
 * throws is thrown as it is, and the source is closed whenever the reader leaves.
 *
 * Never read two .xz files in step with each other in one thread: the decoder takes them one after the other, so they would wait for
 * each other for ever.
 */
export async function* decompressed(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array> {
  const source = new Input(chunks);
  let size = 0;
  try {
    for await (const chunk of decoder(name)(source)) {
      size += chunk.length;
      if (size > limit)
        throw new Problem("malformed", `${name} has more than ${limit} bytes uncompressed`);
      if (chunk.length) yield chunk;
    }
  } catch (error) {
    if (error instanceof Problem || source.failed) throw error;
    throw broken(name, error);
  } finally {
    await source.close();
  }
}

function decoder(name: string): (chunks: Input) => Bytes {
  const extension = /\.(gz|xz|zst|bz2|lzma|lz4|lz)$/i.exec(name)?.[1]?.toLowerCase();
  switch (extension) {
    case undefined:
      return (chunks) => chunks;
    case "gz":
      return (chunks) => through(createGunzip(), chunks);
    case "zst":
      return (chunks) => through(createZstdDecompress(), wholeFrames(chunks));
    case "xz":
      return unxz;
    case "bz2":
      return unbzip2;
    case "lzma":
      return unlzma;
    case "lz4":
      return unlz4;
    default:
      throw new Problem("malformed", `${name} cannot be read: .${extension} is not supported`);
  }
}

function broken(name: string, cause: unknown): Problem {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Problem("malformed", `${name} is not whole or not what its name says: ${reason}`, {
    cause,
  });
}

/** The source, closed once, which tells its own failures from the data's. */
class Input implements AsyncIterable<Uint8Array> {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #ended = false;
  /** The source itself threw: not the data's fault. */
  failed = false;
  constructor(chunks: Bytes) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Null at the end. */
  async next(): Promise<Uint8Array | null> {
    if (this.#ended) return null;
    try {
      const { done, value } = await this.#chunks.next();
      if (!done) return value;
    } catch (error) {
      this.failed = true;
      this.#ended = true;
      throw error;
    }
    this.#ended = true;
    return null;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.next(); chunk; chunk = await this.next()) yield chunk;
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#chunks.return?.();
  }
}

/** All streams of the file, as the decoder does. */
async function* unxz(chunks: Input): AsyncGenerator<Uint8Array> {
  const compressed = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await nonEmpty(chunks);
        if (chunk) controller.enqueue(chunk);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const plain = new XzReadableStream(compressed).getReader();
  try {
    for (let chunk = await plain.read(); !chunk.done; chunk = await plain.read()) yield chunk.value;
  } catch (error) {
    throw chunks.failed ? error : xzError(error);
  } finally {
    // Also frees the decoder for others.
    await plain.cancel().catch(() => undefined);
  }
}

async function nonEmpty(chunks: Input): Promise<Uint8Array | null> {
  for (let chunk = await chunks.next(); chunk; chunk = await chunks.next())
    if (chunk.length) return chunk;
  return null;
}

/** The decoder tells only a number (enum xz_ret of XZ Embedded). */
function xzError(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const reasons: Record<string, string> = {
    "3": "there is not enough memory for it",
    "4": "it needs too much memory",
    "5": "it does not begin as xz does",
    "6": "it uses options of xz that cannot be read",
    "7": "its data is damaged",
    "8": "it ends too early",
  };
  const reason = reasons[/error code (\d)$/.exec(message)?.[1] ?? "8"] ?? message;
  return new Error(reason, { cause: error });
}
