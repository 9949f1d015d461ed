// Earlier backups beside the last one: which of them stay, which files they name, and what then may go. Files are common to all, and each is named by what it holds.
import { createHash } from "node:crypto";
import { bare, type Note } from "./backup-note.ts";

/** What either of the two keeps stays, and the last one always. */
export interface Retention {
  /** So many, with the last one. */
  count: number | null;
  /** All that are no older than this. Milliseconds. */
  ms: number | null;
}

/** So many backups one note tells of, which is read as a whole: of every hour of a year. */
export const MOST = 9_999;

/** Of backups, newest first, those that stay beside a new one: no more than `MOST` with that one. */
export function stayBeside(
  earlier: readonly Note[],
  { count, ms }: Retention,
  now: number,
): Note[] {
  return earlier
    .filter(
      ({ madeAt }, at) =>
        (count !== null && at < count - 1) || (ms !== null && now - Date.parse(madeAt) <= ms),
    )
    .slice(0, MOST - 1)
    .map(bare);
}

const BYTES = 32;

/** Digests, each once, as they are written beside a catalog: what it names is known without the catalog. */
export function listOf(digests: Iterable<string>): { bytes: Buffer; sha256: string } {
  const sorted = [...new Set(digests)].sort();
  const bytes = Buffer.concat(sorted.map((one) => Buffer.from(one, "hex")));
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** The digests of all, in half of the memory; null where one of the lists is not there, or not the one that its note tells: then nothing may go. */
export async function neededBy(
  notes: readonly Note[],
  read: (note: Note) => Promise<Uint8Array | null>,
): Promise<((sha256: string) => boolean) | null> {
  const needed = new Set<string>();
  for (const note of notes) {
    const bytes = note.files === undefined ? null : await read(note);
    if (!bytes || createHash("sha256").update(bytes).digest("hex") !== note.files) return null;
    for (let at = 0; at < bytes.length; at += BYTES)
      needed.add(Buffer.from(bytes.subarray(at, at + BYTES)).toString("latin1"));
  }
  return (sha256) => needed.has(Buffer.from(sha256, "hex").toString("latin1"));
}
