// A stored blob as a file, for what cannot be done without it.
import { Problem } from "../core/problem.ts";
import type { Blobs } from "../store/blobs.ts";

/** A file on this machine with the blob's bytes. Throws Problem("unreachable") when they are lost: the upstream may have them. */
export async function localOf(blobs: Blobs, sha256: string): Promise<string> {
  const path = await blobs.local(sha256);
  if (path === null)
    throw new Problem("unreachable", `Bytes that were stored here are lost: ${sha256}`);
  return path;
}
