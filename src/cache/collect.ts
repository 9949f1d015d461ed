// The bytes of an artifact on their way to disk and through the hashes, as they come; and what they are without a gzip around them.
import { createHash, type Hash } from "node:crypto";

import type { Artifact } from "../core/artifact.ts";
import { gunzipped } from "../core/gunzip.ts";
import { Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import type { Blobs, Incoming } from "../store/blobs.ts";
import { createFill, type FillControl, HOLD } from "../store/fill.ts";
import { openRandom } from "../store/sink.ts";
import type { Arrived } from "./prove.ts";

/** Largest artifact, unless its format tells. Bytes. */
export const LIMIT = 5 * 1024 * 1024 * 1024;

/** Where the expectation is not known yet when the first bytes come, all usual hashes are computed on the way. */
export const ALGORITHMS = ["sha256", "sha512", "sha1"];

/** What is expected of the size of a file. */
export type Sized = Pick<Artifact, "file" | "limit">;

/** A download that clients may read along. */
export interface Following {
  fill: FillControl;
  /** Bytes in all, where the upstream says it. */
  size: number | null;
}

/** The bytes as they came, with their hashes. What is larger than `artifact.limit` is no such file. */
export async function collect(
  blobs: Blobs,
  artifact: Sized,
  response: UpstreamResponse,
  algorithms: readonly string[] = ALGORITHMS,
  announce: (following: Following) => void = () => {},
): Promise<Arrived> {
  const length = response.headers.get("content-length");
  const limit = artifact.limit ?? LIMIT;
  if (Number(length) > limit) {
    await response.discard();
    throw tooLarge(artifact.file, limit);
  }
  const size = length === null ? null : Number(length);
  return gather(blobs, artifact, response.body, algorithms, (fill) => announce({ fill, size }));
}

/** The same bytes without the gzip that is around them. Throws Problem("malformed") where there is none, or not a whole one. */
export async function unwrap(blobs: Blobs, artifact: Sized, packed: Arrived): Promise<Arrived> {
  const limit = artifact.limit ?? LIMIT;
  return gather(blobs, artifact, gunzipped(chunksOf(packed), { limit, packed: packed.size }));
}

async function gather(
  blobs: Blobs,
  { file, limit = LIMIT }: Sized,
  chunks: AsyncIterable<Uint8Array>,
  algorithms: readonly string[] = ALGORITHMS,
  announce: (fill: FillControl) => void = () => {},
): Promise<Arrived> {
  const hashes = new Map<string, Hash>(
    algorithms.map((algorithm) => [algorithm, createHash(algorithm)]),
  );
  let parts: Uint8Array[] = [];
  let size = 0;
  let incoming: Incoming | null = null;
  let fill: FillControl | null = null;
  try {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > limit) throw tooLarge(file, limit);
      for (const hash of hashes.values()) hash.update(chunk);
      if (!incoming) {
        parts.push(chunk);
        if (size <= HOLD) continue;
        incoming = await blobs.begin();
        for (const part of parts) await incoming.write(part);
        parts = [];
        fill = createFill(incoming.path);
        announce(fill);
      } else await incoming.write(chunk);
      fill!.advance(size);
    }
  } catch (error) {
    await incoming?.abandon();
    throw error;
  }
  const digests = new Map(
    [...hashes].map(([algorithm, hash]) => [algorithm, hash.digest("base64")]),
  );
  const sha256 = Buffer.from(digests.get("sha256")!, "base64").toString("hex");
  return { sha256, digests, size, bytes: incoming ? null : Buffer.concat(parts), incoming };
}

/** The first bytes, `length` at most. */
export async function beginningOf({ bytes, incoming }: Arrived, length: number) {
  if (bytes) return bytes.subarray(0, length);
  const file = await openRandom(incoming!.path);
  try {
    return await file.read(0, length);
  } finally {
    await file.close();
  }
}

async function* chunksOf({ bytes, incoming }: Arrived): AsyncGenerator<Uint8Array> {
  if (bytes) {
    yield bytes;
    return;
  }
  const file = await openRandom(incoming!.path);
  try {
    for (let at = 0; at < file.size; at += PIECE) yield await file.read(at, PIECE);
  } finally {
    await file.close();
  }
}

const PIECE = 256 * 1024;

function tooLarge(file: string, limit: number): Problem {
  return new Problem("malformed", `${file} is larger than ${limit} bytes`);
}
