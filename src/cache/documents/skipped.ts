// Entries of documents that are left out because they cannot be used: operators are told of each once.
import { createHash } from "node:crypto";
import type { DocumentRef, Skipped } from "../../core/document.ts";
import type { RepositoryEvent } from "../../core/event.ts";
import { LISTED, type SkippedEntries } from "../../worker/skipped.ts";

/** What more are found at once is told in one event. */
const TOLD_ONE_BY_ONE = 10;

/** What is to be told of them, and what has been told then. `told`: what was told of the same document before. */
export function tellSkipped(
  ref: DocumentRef,
  upstream: string,
  { entries, count }: SkippedEntries,
  told: readonly string[],
): { events: RepositoryEvent[]; told: readonly string[] } {
  const before = new Set(told);
  const found = new Map(entries.map((entry) => [markOf(entry), entry]));
  const fresh = [...found].filter(([mark]) => !before.has(mark));
  if (fresh.length === 0) return { events: [], told };
  // What was told of and is still there is never told again; of what is no longer there the newest are remembered.
  const kept = told.filter((mark) => !found.has(mark)).slice(-LISTED);
  return {
    events: eventsOf(
      ref,
      upstream,
      fresh.map(([, entry]) => entry),
      count,
    ),
    told: [...kept, ...found.keys()],
  };
}

function eventsOf(
  ref: DocumentRef,
  upstream: string,
  fresh: Skipped[],
  count: number,
): RepositoryEvent[] {
  const base = { kind: "skipped", package: ref.package } as const;
  if (fresh.length <= TOLD_ONE_BY_ONE)
    return fresh.map(({ what, why }) => ({
      ...base,
      message: `${upstream} shows ${what} of ${ref.key} in a way that cannot be used, and it is left out: ${why}`,
      detail: { what, why, document: ref.path },
    }));
  return [
    {
      ...base,
      message: `${upstream} shows ${count} entries of ${ref.key} in a way that cannot be used, and they are left out; ${fresh[0]!.what}: ${fresh[0]!.why}`,
      detail: { count, entries: fresh, document: ref.path },
    },
  ];
}

/** Short, for there may be many in a row of the catalog. */
function markOf({ what, why }: Skipped): string {
  return createHash("sha256").update(`${what}\0${why}`).digest("base64url").slice(0, 16);
}
