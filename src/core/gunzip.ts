// Undoes gzip within bounds: what data says of its own size (RFC 1952 §2.3.1) is never believed, only what it has produced is counted.
import { createGunzip } from "node:zlib";
import { Problem } from "./problem.ts";

/** Unpacked bytes per packed byte, beyond which data is meant to fill a disk. Asked only past `RATIO_FLOOR`. */
const RATIO = 200;
const RATIO_FLOOR = 64 * 2 ** 20;
const PIECE = 256 * 1024;

export interface GunzipBounds {
  /** Most unpacked bytes. */
  limit: number;
  /** Packed bytes in all. */
  packed: number;
}

/**
 * The unpacked bytes, in pieces of 256 KiB at most. Throws Problem("malformed") for what is no gzip data, not all of it, or more than its
 * bounds. What `chunks` throws is thrown as it is, and `chunks` is closed whenever the reader leaves.
 */
export async function* gunzipped(
  chunks: AsyncIterable<Uint8Array>,
  { limit, packed }: GunzipBounds,
): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: PIECE });
  const closed = new Promise<void>((resolve) => gunzip.once("close", resolve));
  let failure: { error: unknown } | null = null;
  const feed = async () => {
    let any = false;
    for await (const chunk of chunks) {
      any ||= chunk.length > 0;
      if (gunzip.destroyed) return;
      if (gunzip.write(chunk)) continue;
      await Promise.race([new Promise((resolve) => gunzip.once("drain", resolve)), closed]);
    }
    // zlib takes nothing at all for whole data.
    if (any) gunzip.end();
    else gunzip.destroy(new Error("it is empty"));
  };
  const fed = feed().catch((error) => {
    failure = { error };
    gunzip.destroy(error as Error);
  });
  let size = 0;
  try {
    for await (const chunk of gunzip) {
      size += (chunk as Uint8Array).length;
      if (size > limit || (size > RATIO_FLOOR && size > RATIO * packed))
        throw new Problem("malformed", "It unpacks to far more than it is");
      yield chunk as Uint8Array;
    }
  } catch (error) {
    if (failure) throw (failure as { error: unknown }).error;
    if (error instanceof Problem) throw error;
    throw new Problem("malformed", "It is not whole gzip data", { cause: error });
  } finally {
    gunzip.destroy();
    await fed;
  }
}
