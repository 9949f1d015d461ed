// Whether a file is a whole archive, read to its end: for bytes that no digest vouches for.
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import { decompressed } from "./decompress.ts";
import { piecesOf } from "./pieces.ts";
import { readTar } from "./tar.ts";
import { readAhead, readDirectory, readEntry, zipLimits } from "./zip.ts";

/** Of a tar, at its end. POSIX has two of them, some writers one. */
const ZEROS = 512;

/** Throws Problem("malformed") unless it is a zip whose entries are all there, and are what the directory says. */
export async function checkZip(file: RandomAccess): Promise<void> {
  const entries = await readDirectory(file);
  if (entries.length === 0) throw bad("it holds nothing");
  const ahead = readAhead(file);
  for (const entry of entries.sort((a, b) => a.offset - b.offset))
    for await (const _ of readEntry(ahead, entry)); // throws where size or checksum are others
}

/**
 * Throws Problem("malformed") unless it is a tar with something in it, to its end. `name` tells by its extension how it is compressed; "" and
 * other names stand for a tar as it is.
 */
export async function checkTar(file: RandomAccess, name: string): Promise<void> {
  const plain = decompressed(name, piecesOf(file), unpackedLimit(file));
  let isEmpty = true;
  for await (const _ of readTar(plain)) isEmpty = false;
  if (isEmpty) throw bad("it holds nothing");
  if (!isCompressed(name)) await checkTarEnd(file);
}

/** A compressed one ends with its compression. One that is not may be cut between two entries, which only its last block tells. */
export async function checkTarEnd(file: RandomAccess): Promise<void> {
  const end = await file.read(file.size - ZEROS, ZEROS);
  if (file.size % ZEROS !== 0 || end.length < ZEROS || end.some((byte) => byte !== 0))
    throw bad("it has no end");
}

/** Of all that it unpacks to: as of a zip. */
export function unpackedLimit({ size }: RandomAccess): number {
  return Math.min(zipLimits.totalSize, Math.max(zipLimits.ratio * size, 64 * 2 ** 20));
}

function isCompressed(name: string): boolean {
  return /\.(gz|xz|zst|bz2|lzma)$/i.test(name);
}

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable archive: ${reason}`);
}
