// Removes what nothing names: blobs without a row, old views. Leaks rather than loses: what is young stays.
import { isNamed, type Naming } from "../cache/named.ts";
import { sweepRelay } from "../cache/relay.ts";
import type { Blobs } from "../store/blobs.ts";
import type { ReadDatabase } from "../store/database.ts";
import type { ViewFiles } from "../store/view-files.ts";

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

export interface Counted {
  database: ReadDatabase;
  blobs: Blobs;
  views: ViewFiles;
}

/** What counting needs, and the lock that removal needs. */
export interface GcStore extends Counted {
  naming: Naming;
}

/** What would be removed. Reads only. */
export function countGarbage(
  store: Counted,
  options: { now: number; graceMs?: number },
): Promise<GcResult> {
  return collect(store, null, options);
}

/** Removes it. Aborted, it stops after the file at hand. Throws Problem("conflict") where another catalog may name what this one does not. */
export async function collectGarbage(
  store: GcStore,
  options: { now: number; graceMs?: number; signal?: AbortSignal },
): Promise<GcResult> {
  await store.naming.mayRemove();
  return collect(store, store.naming, options);
}

async function collect(
  { database, blobs, views }: Counted,
  naming: Naming | null,
  { now, graceMs = GRACE_MS, signal }: { now: number; graceMs?: number; signal?: AbortSignal },
): Promise<GcResult> {
  const result: GcResult = { blobs: 0, views: 0, bytes: 0, young: 0 };
  const unnamed = async (sha256: string) =>
    (await isNamed(database.read, sha256)) ? null : blobs.stored(sha256);
  const isOld = (found: { changedAt: number }) => now - found.changedAt >= graceMs;
  /** A row may have come since it was counted, or the bytes once more: looked again where nobody can name it. */
  const remove = (sha256: string) =>
    naming?.alone(sha256, async (isStill) => {
      if ((await naming.whyKept()) !== null) return false; // a round takes its time
      const found = await unnamed(sha256);
      const isToGo = found !== null && isOld(found) && isStill();
      if (isToGo) await blobs.remove(sha256);
      return isToGo;
    });
  let seen = 0;
  for await (const sha256 of blobs.list()) {
    if (signal?.aborted) return result;
    if (++seen % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    const found = await unnamed(sha256);
    if (!found) continue;
    if (!isOld(found) || (naming && !(await remove(sha256)))) {
      result.young += 1;
      continue;
    }
    result.blobs += 1;
    result.bytes += found.size;
  }
  if (naming) await sweepRelay({ database, blobs });
  const old = await oldViews(views, naming !== null, { now, ...(signal && { signal }) });
  return { ...result, views: old.views, bytes: result.bytes + old.bytes };
}

/** Removes old views alone: each server has its own. */
export function removeOldViews(views: ViewFiles, now: number): Promise<{ views: number }> {
  return oldViews(views, true, { now });
}

async function oldViews(
  views: ViewFiles,
  areRemoved: boolean,
  { now, signal }: { now: number; signal?: AbortSignal },
): Promise<{ views: number; bytes: number }> {
  const found = { views: 0, bytes: 0 };
  for await (const view of views.list()) {
    if (signal?.aborted) return found;
    if (now - view.changedAt < VIEW_AGE_MS) continue;
    found.views += 1;
    found.bytes += view.size;
    if (areRemoved) await views.remove(view.path);
  }
  return found;
}
