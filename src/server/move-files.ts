// What of a move is one of files: they are copied, looked for and read there, with the append-only log; and files alone go to another place while the
// catalog stays where it is.
import { everyNamed } from "../cache/named.ts";
import { Problem } from "../core/problem.ts";
import { checkLog, copyLog } from "../ledger/log/copy.ts";
import { DamagedLog } from "../ledger/log/tree.ts";
import { type CopiedBlobs, copyBlobs, requireBlobs, verifyBlobs } from "../store/copy-blobs.ts";
import type { CopiedTable } from "../store/copy-tables.ts";
import type { ReadDatabase } from "../store/database.ts";
import {
  isSameFiles,
  type MoveFiles,
  type MovePlace,
  nameOf,
  openFilesTarget,
  openSource,
  requireBucket,
  storeOf,
} from "./move-places.ts";

export type MoveStep = "files" | "rows" | "comparing rows" | "looking for files" | "reading files";

export interface MoveOptions {
  /** No server runs here, and the other place takes over. */
  isLast: boolean;
  /** All files are read again where they are then. */
  areFilesRead: boolean;
  /** What is damaged or missing here may be so there. */
  mayBeDamaged: boolean;
  told(step: MoveStep, done: number): void;
}

export interface Moved {
  tables: CopiedTable[];
  /** Null where files stay where they are. */
  files: CopiedBlobs | null;
  /** Sentences on what is not as it should be, here or there. */
  faults: string[];
  /** Whether the other place has taken over. */
  isDone: boolean;
}

/** Puts the log there as the catalog knows it, and its checkpoint when it is the last time. Resolves to sentences on what is wrong with it. */
export async function copyTheLog(
  { read }: Pick<ReadDatabase, "read">,
  source: MoveFiles,
  target: MoveFiles,
  isLast: boolean,
): Promise<string[]> {
  try {
    const finish = await copyLog(read, source.log, target.log);
    if (isLast) await finish();
    return [];
  } catch (error) {
    if (!(error instanceof DamagedLog)) throw error;
    return [`log  ${error.message}`];
  }
}

/** Whether all that the catalog names is there. `files`: what was brought; null where they stay. */
export async function proveFiles(
  { read }: Pick<ReadDatabase, "read">,
  source: MoveFiles,
  target: MoveFiles,
  files: CopiedBlobs | null,
  { areFilesRead, told }: Pick<MoveOptions, "areFilesRead" | "told">,
): Promise<{ lost: string[]; isLogWhole: boolean }> {
  const lost: string[] = [];
  if (files) {
    const missing = await requireBlobs(everyNamed(read), source.blobs, target.blobs, (done) =>
      told("looking for files", done),
    );
    lost.push(...missing.map((sha256) => `missing  ${sha256}`));
    for (const sha256 of files.damaged)
      if (!missing.includes(sha256)) lost.push(`damaged  ${sha256}`);
    if (areFilesRead) {
      const damaged = await verifyBlobs(target.blobs, (done) => told("reading files", done));
      lost.push(...damaged.map((sha256) => `altered there  ${sha256}`));
    }
  }
  const damage = await checkLog(read, target.log);
  lost.push(...damage.map((line) => `log  ${line}`));
  return { lost, isLogWhole: damage.length === 0 };
}

/**
 * Where `from` and `to` have one catalog. What it says of its files is one row, which is written last: until then a server starts on the old ones alone, and
 * from then on on the new ones alone.
 */
export async function moveFiles(
  from: MovePlace,
  to: MovePlace,
  { isLast, areFilesRead, mayBeDamaged, told }: MoveOptions,
): Promise<Moved> {
  requireOtherFiles(from, to);
  const source = await openSource(from, isLast);
  try {
    await requireBucket(to, from, source.catalog);
    const target = await openFilesTarget(to, from, source.catalog);
    try {
      const files = await copyBlobs(source.blobs, target.blobs, (done) => told("files", done));
      const faults = await copyTheLog(source.catalog, source, target, isLast);
      const moved: Moved = { tables: [], files, faults, isDone: false };
      if (!isLast) return moved;
      const given = { areFilesRead, told };
      faults.push(...(await proveFiles(source.catalog, source, target, files, given)).lost);
      if (faults.length > 0 && !mayBeDamaged) return moved;
      await source.takeFiles(to);
      return { ...moved, isDone: true };
    } finally {
      target.close();
    }
  } finally {
    await source.close();
  }
}

function requireOtherFiles(from: MovePlace, to: MovePlace): void {
  if (isSameFiles(from, to))
    throw new Problem(
      "badRequest",
      `What is known is in ${nameOf(from)} already, and its files are where they are to be`,
    );
  if (storeOf(from) !== storeOf(to)) return;
  // The catalog could not tell the one from the other.
  throw new Problem(
    "badRequest",
    to.store
      ? `Its files are in a bucket of the name ${storeOf(to)} already: give the other one another name or prefix`
      : `Files go from a folder to a bucket, and back: to have them in ${to.data}, stop the server and move the folder ${from.data} as it is`,
  );
}
