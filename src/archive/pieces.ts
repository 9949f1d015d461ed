// A file's bytes in order.
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";

const PIECE = 256 * 1024;

/** From its start to its end, in pieces of 256 KiB at most. */
export async function* piecesOf(file: RandomAccess): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; ) {
    const piece = await file.read(at, Math.min(PIECE, file.size - at));
    if (piece.length === 0) throw new Problem("malformed", "It ends before its size");
    yield piece;
    at += piece.length;
  }
}
