// Which catalog the objects of a bucket belong to, as an object beside them, and which bucket a catalog's files are in, as the catalog has it: files that
// a catalog does not name are garbage, so that the wrong one would have them all removed.
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Bucket } from "./bucket.ts";
import type { Database, ReadDatabase } from "./database.ts";
import type { Beside, Word } from "./tenure.ts";
import { wordOf } from "./tenure-file.ts";

export interface BucketMark {
  /** Of the catalog, wherever it is moved. */
  id: string;
  /** Where it was when the bucket became its own, for people. */
  catalog: string;
  /** Which database that is, as it says of itself; null for a file, and for one that says nothing. */
  place: string | null;
  /** Whether there are backups of it, and no server's files. */
  isBackup?: true;
  /** Since a move the catalog's files are there, or were before: what the catalog says of them decides, and must name this bucket. */
  other?: string;
  /** What its catalog left there last: see tenure.ts. */
  word?: Word;
}

/** The object that says it. */
export const MARK = "holdfast.json";
const LIMIT = 4096;

/** Null when nobody has put files there by this program. Throws Problem("conflict") when the mark is damaged. */
export async function readBucketMark(bucket: Bucket): Promise<BucketMark | null> {
  return (await find(bucket))?.mark ?? null;
}

async function find(bucket: Bucket): Promise<{ mark: BucketMark; etag: string } | null> {
  const found = await bucket.read(MARK, LIMIT);
  if (!found) return null;
  try {
    const {
      id,
      catalog,
      place = null,
      isBackup,
      other,
      word: written,
    } = JSON.parse(Buffer.from(found.bytes).toString());
    const isPlace = place === null || typeof place === "string";
    const word = wordOf(written);
    if (typeof id === "string" && typeof catalog === "string" && isPlace)
      return {
        mark: {
          ...{ id, catalog, place },
          ...(isBackup === true && { isBackup }),
          ...(typeof other === "string" && { other }),
          ...(word && { word }),
        },
        etag: found.etag,
      };
  } catch {
    // Below.
  }
  throw new Problem(
    "conflict",
    `${MARK} of ${bucket.name} is damaged: it says which catalog the files beside it belong to`,
  );
}

/** As often as others may write it at the same moment. */
const TRIES = 5;

/** In place of what it said of the same catalog before, but for the word, which stays. False when another catalog has it. */
export async function writeBucketMark(bucket: Bucket, mark: BucketMark): Promise<boolean> {
  for (let tries = TRIES; tries > 0; tries -= 1) {
    const found = await find(bucket);
    if (found && (found.mark.id !== mark.id || found.mark.isBackup !== mark.isBackup)) return false;
    if (found && isSame(found.mark, mark)) return true;
    const { word } = found?.mark ?? {};
    if (await put(bucket, { ...mark, ...(word && { word }) }, found?.etag ?? null)) return true;
  }
  throw new Problem("busy", `${MARK} of ${bucket.name} is written by others all the time`);
}

/** `etag`: of what it takes the place of; null for nothing. False where something else is there by now. */
function put(bucket: Bucket, mark: BucketMark, etag: string | null): Promise<boolean> {
  const bytes = Buffer.from(`${JSON.stringify(mark)}\n`);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return bucket.put(MARK, bytes, sha256, etag === null ? "isNew" : { etag });
}

/**
 * The word of a catalog in its bucket's mark. `refuse`: throws Problem("conflict") where the mark, as it is read, is not the catalog's.
 */
export function besideBucket(bucket: Bucket, refuse: () => Promise<unknown>): Beside {
  return {
    name: bucket.name,
    async read() {
      await refuse();
      const found = await find(bucket);
      return { word: found?.mark.word ?? null, version: found?.etag ?? null };
    },
    async write(word, version) {
      const found = await find(bucket);
      if (!found || found.etag !== version) return false;
      return put(bucket, { ...found.mark, word }, version);
    },
  };
}

function isSame(a: BucketMark, b: BucketMark): boolean {
  return a.catalog === b.catalog && a.place === b.place && a.other === b.other;
}

/** For who wants to have a server's files there. Throws Problem("conflict") where there are backups. */
export function refuseBackups(bucket: Bucket, mark: BucketMark | null): void {
  if (mark?.isBackup)
    throw new Problem(
      "conflict",
      `There are backups in ${bucket.name}, of ${mark.catalog}: a server's files go to another prefix`,
    );
}

const NOTE = "store";

/** The URL of the bucket that the files are in which the catalog names; null where they are in the data directory. */
export async function readStoreNote({ read }: Pick<ReadDatabase, "read">): Promise<string | null> {
  const [row] = await read`SELECT bytes FROM kept WHERE repository = '' AND key = ${NOTE}`;
  return row ? Buffer.from(row.bytes).toString() : null;
}

/** Null: they are in the data directory. For who has begun there, or moved them. */
export async function writeStoreNote(
  database: Pick<Database, "write">,
  url: string | null,
): Promise<void> {
  await database.write(
    async (sql) => {
      await sql`DELETE FROM kept WHERE repository = '' AND key = ${NOTE}`;
      if (url !== null)
        await sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('', ${NOTE}, ${Buffer.from(url)}, 0)`;
    },
    { durable: true },
  );
}
