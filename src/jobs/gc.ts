// Removes what nothing names: blobs without a row, old views. Leaks rather than loses: what is young stays.
import type { Blobs } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import type { Views } from "../store/view-files.ts";

/** A file that came within this time may be named by a row any moment. */
const GRACE_MS = 60 * 60 * 1000;
/** A view that was not made within this time is made again when it is asked for. */
const VIEW_AGE_MS = 30 * 24 * 60 * 60 * 1000;

/** Requests are served after so many files, where this runs in the server. */
const BREATH = 200;

export interface GcResult {
  blobs: number;
  views: number;
  bytes: number;
  /** What is unreferenced but too young to be sure. */
  young: number;
}

export interface GcStore {
  database: Database;
  blobs: Blobs;
  views: Views;
}

/** `dryRun` counts and removes nothing. */
export async function collectGarbage(
  { database, blobs, views }: GcStore,
  options: { dryRun: boolean; now: number; graceMs?: number },
): Promise<GcResult> {
  const { dryRun, now, graceMs = GRACE_MS } = options;
  const result: GcResult = { blobs: 0, views: 0, bytes: 0, young: 0 };
  const unnamed = async (sha256: string) =>
    (await isNamed(database, sha256)) ? null : blobs.stat(sha256);
  let seen = 0;
  for await (const sha256 of blobs.list()) {
    if (++seen % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    // Twice: a row may have come, or the bytes once more with their row yet to come.
    const found = (await unnamed(sha256)) && (await unnamed(sha256));
    if (!found) continue;
    if (now - found.changedAt < graceMs) {
      result.young += 1;
      continue;
    }
    result.blobs += 1;
    result.bytes += found.size;
    if (!dryRun) await blobs.remove(sha256);
  }
  for await (const view of views.list()) {
    if (now - view.changedAt < VIEW_AGE_MS) continue;
    result.views += 1;
    result.bytes += view.size;
    if (!dryRun) await views.remove(view.path);
  }
  return result;
}

async function isNamed(database: Database, sha256: string): Promise<boolean> {
  const [row] = await database.read`SELECT 1 AS named FROM artifacts WHERE sha256 = ${sha256}
    UNION ALL SELECT 1 FROM documents WHERE blob = ${sha256} LIMIT 1`;
  return row !== undefined;
}
