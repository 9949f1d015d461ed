// Re-hashes every blob that the catalog names, and every stored view. What is stored is what was verified when it came, or it is told.

import { awaitDocuments, countNamed, everyNamed, type Naming } from "../cache/named.ts";
import { Problem } from "../core/problem.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Database, ReadDatabase } from "../store/database.ts";
import type { ViewFiles } from "../store/view-files.ts";

/** A blob that is not there, cannot be read or is not true to its name, and what it is the bytes of. */
export interface Damage {
  sha256: string;
  what: "missing" | "altered" | "unreadable";
  repository: string;
  /** For people: "pkg:npm/left-pad@1.3.0 left-pad-1.3.0.tgz", "packument left-pad". */
  subject: string;
  /**
   * How a client asks for it inside the repository; null for a document, which is fetched when next asked for, and for what was published here, which
   * comes from nowhere else.
   */
  path: string | null;
  isHosted: boolean;
}

export interface VerifyResult {
  files: number;
  bytes: number;
  damaged: Damage[];
  /** Rendered documents: how many were looked at, and the paths of those that are not what they were. */
  views: { files: number; damaged: string[] };
}

/** What looking needs. */
export interface VerifiedStore {
  database: ReadDatabase;
  blobs: Blobs;
  views: ViewFiles;
}

/** What removing what is damaged needs. */
export interface RepairedStore {
  database: Database;
  blobs: Blobs;
  views: ViewFiles;
  naming: Naming;
}

/** `progress` is called after each file with what is done and what there is to do. */
export async function verify(
  { database, blobs, views }: VerifiedStore,
  progress: (done: number, total: number) => void,
): Promise<VerifyResult> {
  const total = await countNamed(database.read);
  const result: VerifyResult = {
    files: 0,
    bytes: 0,
    damaged: [],
    views: { files: 0, damaged: [] },
  };
  for await (const named of everyNamed(database.read)) {
    const { sha256, size } = named;
    const found = (await blobs.stored(sha256))?.size ?? null;
    const read = found === size ? await digestOf(blobs, sha256) : "";
    result.files += 1;
    result.bytes += found ?? 0;
    if (read !== sha256 && !(found === null && named.isAwaited)) {
      const { repository, subject, file, isHosted } = named;
      result.damaged.push({
        sha256,
        what: found === null ? "missing" : read === null ? "unreadable" : "altered",
        repository,
        subject,
        path: isHosted ? null : (file?.path ?? null),
        isHosted,
      });
    }
    progress(result.files, total);
  }
  for await (const { path, size } of views.list()) {
    const isSound = await views.isSound(path);
    if (isSound === null) continue;
    result.views.files += 1;
    result.bytes += size;
    if (!isSound) result.views.damaged.push(path);
  }
  return result;
}

/**
 * Removes damaged views, which are rendered again, and damaged blobs, so that nothing serves them and the next request fetches them again. Rows stay: an artifact that cannot be
 * fetched again goes on being told as missing, and a document's overlay is all that is left of what went upstream. What was published here is
 * kept as evidence, for nothing else is left of it.
 */
export async function discard(
  { database, blobs, views, naming }: RepairedStore,
  { damaged, views: { damaged: damagedViews } }: Pick<VerifyResult, "damaged" | "views">,
): Promise<void> {
  for (const path of damagedViews) await views.remove(path);
  for (const { sha256, isHosted } of damaged) {
    await database.write((sql) => awaitDocuments(sql, sha256));
    await naming.alone(sha256, () => (isHosted ? setAside(blobs, sha256) : blobs.remove(sha256)));
  }
}

/** Null where it cannot be read: a disk may fail at one file alone. */
async function digestOf(blobs: Blobs, sha256: string): Promise<string | null> {
  try {
    return (await blobs.digest(sha256)) ?? "";
  } catch (error) {
    if (error instanceof Problem && error.kind === "unusable") return null;
    throw error;
  }
}

async function setAside(blobs: Blobs, sha256: string): Promise<void> {
  const found = await digestOf(blobs, sha256);
  if (found) await blobs.depose(sha256, found);
}
