// A stored blob as a file, for what cannot be done without it.
import { Problem } from "../core/problem.ts";
import type { Blobs } from "../store/blobs.ts";

/** Whether all of it is there, by its size. A copy that was cut counts for nothing, and goes. */
export async function isWhole(blobs: Blobs, sha256: string, size: number): Promise<boolean> {
  if ((await blobs.stat(sha256))?.size === size) return true;
  await blobs.forget(sha256);
  return (await blobs.stored(sha256))?.size === size;
}

/** A file on this machine with the blob's bytes. Throws Problem("unreachable") when they are lost: the upstream may have them. */
export async function localOf(blobs: Blobs, sha256: string): Promise<string> {
  const path = await blobs.local(sha256);
  if (path === null)
    throw new Problem("unreachable", `Bytes that were stored here are lost: ${sha256}`);
  return path;
}
