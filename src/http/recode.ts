// Stored gzip for clients that do not take it: rare, so it is done on the way out, and beside the loop where it is large.
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGunzip,
  createZstdCompress,
  gunzipSync,
} from "node:zlib";

/** Null: uncompressed. */
type Encoding = "zstd" | "br" | null;

/** What is larger is for `recoded`. Bytes of gzip. */
export const DECODED_AT_ONCE = 32 * 1024;
/** Brotli's own default takes ten seconds for a large document. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** All at once. */
export function recode(packed: Uint8Array, encoding: Encoding): Uint8Array {
  const plain = gunzipSync(packed);
  if (encoding === "zstd") return Bun.zstdCompressSync(plain);
  return encoding === "br" ? brotliCompressSync(plain, BROTLI) : plain;
}

/** In a stream, from bytes or from the file of that name. */
export async function* recoded(
  packed: Uint8Array | string,
  encoding: Encoding,
): AsyncGenerator<Uint8Array> {
  const source = typeof packed === "string" ? createReadStream(packed) : Readable.from([packed]);
  const plain = createGunzip();
  const last =
    encoding === "br"
      ? createBrotliCompress(BROTLI)
      : encoding === "zstd"
        ? createZstdCompress()
        : plain;
  const passed = last === plain ? pipeline(source, plain) : pipeline(source, plain, last);
  passed.catch(() => {}); // awaited below, unless the reader has left
  yield* last as AsyncIterable<Uint8Array>;
  await passed;
}
