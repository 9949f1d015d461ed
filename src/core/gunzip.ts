// Undoes gzip within bounds: what data says of its own size (RFC 1952 §2.3.1) is never believed, only what it has produced is counted.
import { createGunzip } from "node:zlib";
import { Problem } from "./problem.ts";
import { through } from "./through.ts";

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
  let failure: { error: unknown } | null = null;
  /** What the source throws is not the data's fault. */
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  let size = 0;
  try {
    for await (const chunk of through(createGunzip({ chunkSize: PIECE }), source())) {
      size += chunk.length;
      if (size > limit || (size > RATIO_FLOOR && size > RATIO * packed))
        throw new Problem("malformed", "It unpacks to far more than it is");
      yield chunk;
    }
  } catch (error) {
    if (failure) throw (failure as { error: unknown }).error;
    if (error instanceof Problem) throw error;
    throw new Problem("malformed", "It is not whole gzip data", { cause: error });
  }
}
