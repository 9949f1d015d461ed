// Which catalog the objects of a bucket belong to, as an object beside them: files that a catalog does not name are garbage, so that the wrong
// one would have them all removed.
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Bucket } from "./bucket.ts";

export interface BucketMark {
  /** Of the catalog, wherever it is moved. */
  id: string;
  /** Where it was when the bucket became its own, for people. */
  catalog: string;
}

const PATH = "holdfast.json";
const LIMIT = 4096;

/** Null when nobody has put files there by this program. Throws Problem("conflict") when the mark is damaged. */
export async function readBucketMark(bucket: Bucket): Promise<BucketMark | null> {
  const found = await bucket.read(PATH, LIMIT);
  if (!found) return null;
  try {
    const { id, catalog } = JSON.parse(Buffer.from(found.bytes).toString());
    if (typeof id === "string" && typeof catalog === "string") return { id, catalog };
  } catch {
    // Below.
  }
  throw new Problem(
    "conflict",
    `${PATH} of ${bucket.name} is damaged: it says which catalog the files beside it belong to`,
  );
}

/** False when another catalog was first. */
export async function writeBucketMark(bucket: Bucket, mark: BucketMark): Promise<boolean> {
  const bytes = Buffer.from(`${JSON.stringify(mark)}\n`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (await bucket.put(PATH, bytes, sha256, "isNew")) return true;
  return (await readBucketMark(bucket))?.id === mark.id; // another server of the same catalog
}
