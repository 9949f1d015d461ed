// Where things stand in the data directory. Names are digests and numbers, never anything from a URL.
//
//   data/
//     blobs/sha256/ab/cdef…   whole, true to their name, read-only
//     views/ab/cdef…/…        rendered documents; may be removed at any time
//     evidence/sha256/…       bytes that were refused, for an investigation
//     incoming/               downloads under way; emptied at start
//     holdfast.db             the catalog (SQLite, with -wal and -shm beside it)
//     lock.db                 held by the running server
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Layout {
  readonly root: string;
  readonly blobs: string;
  readonly views: string;
  readonly evidence: string;
  readonly incoming: string;
  readonly database: string;
  readonly lock: string;
}

/** Where things stand, or would stand: nothing is made. */
export function layoutOf(root: string): Layout {
  return {
    root,
    blobs: join(root, "blobs", "sha256"),
    views: join(root, "views"),
    evidence: join(root, "evidence", "sha256"),
    incoming: join(root, "incoming"),
    database: join(root, "holdfast.db"),
    lock: join(root, "lock.db"),
  };
}

/** Makes what is missing. */
export function openLayout(root: string): Layout {
  const layout = layoutOf(root);
  for (const folder of [layout.blobs, layout.views, layout.evidence, layout.incoming])
    mkdirSync(folder, { recursive: true });
  return layout;
}

/** Removes what a crash left half-written. Only for the one that holds the lock. */
export function emptyIncoming(layout: Layout): void {
  for (const name of readdirSync(layout.incoming))
    rmSync(join(layout.incoming, name), { force: true });
}
