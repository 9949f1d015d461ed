// A zip archive with very many entries, one after the other: neither the directory nor a list of it is ever whole in memory.
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import { entryAt, findDirectory, type ZipEntry, type ZipLimits } from "./zip.ts";

const WINDOW = 32 * 1024;

/**
 * Its entries in the directory's order. Each is checked against the limits as it comes; what only the end of the directory tells (entries that overlap,
 * one that is missing) is thrown there. An entry larger than `limits.entrySize` is one among others here: who reads it says whether to.
 */
export async function* walkDirectory(
  file: RandomAccess,
  limits: ZipLimits,
): AsyncGenerator<ZipEntry> {
  const directory = await findDirectory(file);
  if (directory.entries > limits.entries) throw bad(`more than ${limits.entries} entries`);
  if (directory.size > limits.directorySize) throw bad("its directory is too large");
  const end = directory.offset + directory.size;
  let window: Uint8Array = new Uint8Array(0);
  let start = directory.offset;
  let at = 0;
  let packed = 0;
  let unpacked = 0;
  for (let count = 0; count < directory.entries; count += 1) {
    let found = entryAt(window, at, limits);
    if (!found) {
      start += at;
      at = 0;
      window = await file.read(start, Math.min(WINDOW, end - start));
      found = entryAt(window, 0, limits);
    }
    if (!found) throw bad("its directory is broken");
    at = found.next;
    packed += 30 + found.entry.rawName.length + found.entry.compressedSize;
    unpacked += found.entry.size;
    if (packed > directory.offset) throw bad("its entries overlap");
    if (unpacked > limits.totalSize) throw bad("it unpacks to too much");
    if (unpacked > RATIO_FLOOR && unpacked > limits.ratio * file.size)
      throw bad("it unpacks to far more than it is");
    yield found.entry;
  }
  if (start + at !== end) throw bad("its directory holds more than its entries");
}

const RATIO_FLOOR = 64 * 2 ** 20;

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable zip archive: ${reason}`);
}
