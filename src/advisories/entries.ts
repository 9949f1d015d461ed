// The entries of a feed's archive: https://google.github.io/osv.dev/data/, all.zip
import { crc32, deflateRawSync } from "node:zlib";
import { readAhead, readSmall, type ZipLimits } from "../archive/zip.ts";
import { walkDirectory } from "../archive/zip-walk.ts";
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import type { Entry } from "./take.ts";

/** Of an archive of records. A single one that is larger is left out. */
const LIMITS: ZipLimits = {
  entries: 2_000_000,
  nameLength: 1024,
  directorySize: 512 * 2 ** 20,
  entrySize: 4 * 2 ** 30,
  totalSize: 16 * 2 ** 30,
  ratio: 100,
};

const AHEAD = 256 * 1024;

/** Bytes of one record, unpacked. */
export const RECORD_LIMIT = 8 * 2 ** 20;

/** Throws Problem("malformed") for an archive that cannot be read; what cannot be read of one entry is thrown by its `read`. */
export async function* zipEntries(file: RandomAccess): AsyncGenerator<Entry> {
  // The directory has a window of its own: entries are read between its parts.
  const ahead = readAhead(file, AHEAD, { isReused: true });
  for await (const entry of walkDirectory(file, LIMITS)) {
    const id = idOf(entry.name);
    if (id === null) continue;
    yield {
      id,
      mark: `${entry.crc32.toString(16)}:${entry.size}`,
      async read() {
        const { bytes, deflated } = await readSmall(ahead, entry, RECORD_LIMIT);
        return { text: decode(bytes), deflated: deflated?.slice() ?? deflateRawSync(bytes) };
      },
    };
  }
}

/** The same mark as the same bytes in an archive. */
export function jsonEntry(id: string, bytes: Uint8Array): Entry {
  const read = async () => ({ text: decode(bytes), deflated: deflateRawSync(bytes) });
  return { id, mark: markOf(bytes), read };
}

function markOf(bytes: Uint8Array): string {
  return `${(crc32(bytes) >>> 0).toString(16)}:${bytes.length}`;
}

/** `osv/malicious/npm/x/MAL-2024-1.json` → `MAL-2024-1`; null for what is no record. */
export function idOf(path: string): string | null {
  return /(?:^|\/)([^/]+)\.json$/.exec(path)?.[1] ?? null;
}

export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("malformed", "It is no UTF-8");
  }
}
