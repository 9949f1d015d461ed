// Entries of a document that are left out because they cannot be used, as they are found.
import type { Skipped } from "../core/document.ts";

/** A document that is wrong throughout has as many as entries: the rest is only counted. */
export const LISTED = 200;
const LONGEST = 300;

export interface SkippedEntries {
  entries: Skipped[];
  /** How many there are, listed or not. */
  count: number;
}

/** `skip` fills `skipped`. */
export function collectSkipped(): { skipped: SkippedEntries; skip(entry: Skipped): void } {
  const skipped = { entries: [] as Skipped[], count: 0 };
  function skip({ what, why }: Skipped): void {
    skipped.count += 1;
    if (skipped.entries.length < LISTED)
      skipped.entries.push({ what: what.slice(0, LONGEST), why: why.slice(0, LONGEST) });
  }
  return { skipped, skip };
}
