// A bucket as the home of backups: files and log by the names that they have in a data directory, each catalog by its digest, and a note that says which
// of them counts. The note is replaced on the condition that it is the one that was found, so that there is no lock that a kill could leave behind.
//
//   holdfast.json           whose backups these are (bucket-mark.ts)
//   backup.json             the last one that came to its end, and its catalog
//   catalogs/<sha256>.db    also of backups of before that stay, with <sha256>.files: what each names (backup-generations.ts)
//   blobs/sha256/ab/cdef…   evidence/sha256/ab/cdef…   log/…
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import type { BackupHome, BackupReader, BackupSource, BackupWriter } from "./backup-home.ts";
import {
  CATALOGS,
  chosen,
  generationsOf,
  NOTE,
  NOTE_LIMIT,
  type Note,
  noBackup,
  noteFrom,
} from "./backup-note.ts";
import type { Bucket } from "./bucket.ts";
import { FOLDER as BLOBS } from "./bucket-blobs.ts";
import { requireConditions } from "./bucket-conditions.ts";
import { FOLDER as LOG, openBucketLog } from "./bucket-log.ts";
import { type BucketMark, readBucketMark, writeBucketMark } from "./bucket-mark.ts";
import { createUploads } from "./bucket-upload.ts";
import { type BlobPlace, copyBlobs, folderPlace, requireBlobs } from "./copy-blobs.ts";
import { bucketPlace } from "./copy-bucket.ts";
import { guard } from "./guard.ts";
import { FILE_MODE, fileOf } from "./layout.ts";
import type { LogFiles } from "./log-files.ts";

const EVIDENCE = "evidence/sha256";
/** Of a list of files: of eight million. */
const LIST_LIMIT = 256 * 1024 * 1024;
/** So many files go before it is looked whether another backup has begun. */
const AT_ONCE = 50;
/** A catalog that no note names is of a backup that was cut, once it is older than any that could still be under way. */
const CUT_MS = 7 * 24 * 60 * 60 * 1000;

export interface BucketHomeOptions {
  /** As the commands take it: s3://BUCKET/PREFIX. */
  url: string;
  bucket: Bucket;
  /** The catalog that is backed up: its identity, and where it is, for people. */
  owner: Pick<BucketMark, "id" | "catalog">;
  /** A folder of this machine for the catalog on its way; the home's own. */
  scratch: string;
  /** For tests. */
  times?: Partial<PruneTimes>;
}

/** Milliseconds. There is no lock in a bucket: who removes looks whether it still may, and who takes over waits until nobody believes an old look. */
interface PruneTimes {
  /** For so long it is believed that no other backup has begun. */
  believed: number;
  /** After so long nothing more is removed by one that was told that another has begun: it looks, and what it asked for is done or given up. */
  settled: number;
}

const TIMES: PruneTimes = { believed: 10_000, settled: 60_000 };

/** Its writer throws Problem("conflict") for a prefix that has anything else than backups of this very catalog. */
export function bucketHome({
  url,
  bucket,
  owner,
  scratch,
  times = {},
}: BucketHomeOptions): BackupHome {
  return {
    name: url,
    async write(source) {
      await claim(bucket, owner);
      return writer(url, bucket, source, join(scratch, "holdfast.db"), { ...TIMES, ...times });
    },
  };
}

/** The prefix becomes the catalog's, before anything else is there. */
async function claim(bucket: Bucket, owner: BucketHomeOptions["owner"]): Promise<void> {
  await requireConditions(bucket);
  const mark = await readBucketMark(bucket);
  if (!mark) {
    for (const folder of [BLOBS, CATALOGS, LOG])
      for await (const _ of bucket.list(`${folder}/`))
        throw new Problem(
          "conflict",
          `There are files in ${bucket.name}, and nothing says whose they are: a backup goes to a prefix of its own`,
        );
    if (await writeBucketMark(bucket, { ...owner, place: null, isBackup: true })) return;
    throw new Problem("conflict", `Another server has taken ${bucket.name} this moment`);
  }
  if (!mark.isBackup)
    throw new Problem(
      "conflict",
      `The files of the server whose catalog is ${mark.catalog} are in ${bucket.name}: a backup goes to a prefix of its own`,
    );
  if (mark.id !== owner.id)
    throw new Problem(
      "conflict",
      `The backups in ${bucket.name} are of another server, of ${mark.catalog}: each has a prefix of its own`,
    );
}

async function writer(
  url: string,
  bucket: Bucket,
  { layout, files }: BackupSource,
  made: string,
  { believed, settled }: PruneTimes,
): Promise<BackupWriter> {
  const { before, wasPruning } = await begin(bucket);
  if (wasPruning) await new Promise((resolve) => setTimeout(resolve, settled));
  const earlier = before ? generationsOf(before.note) : [];
  let own: string | null = null;
  const from = files ?? folderPlace(layout);
  const to = remembering(bucket);
  return {
    made,
    earlier,
    log: await rememberingLog(bucket),
    async bring(count) {
      await copyBlobs(from, to, (_, bytes) => count(bytes));
      if (files) return; // each server has its own of what was refused
      const refused = folderPlace({ ...layout, blobs: layout.evidence });
      await copyBlobs(refused, bucketPlace(bucket, EVIDENCE), (_, bytes) => count(bytes));
    },
    require: (named) => requireBlobs(named, from, to, () => {}),
    async keep(note, finish, list) {
      if (wasPruning && list) await requireAll(bucket, list, to.remembers);
      if (list) await bucket.put(listOf(note), new Uint8Array(list), note.files!);
      const path = catalogOf(note);
      await createUploads(bucket).upload(path, made, note.catalog);
      await finish();
      if (!(await putNote(bucket, note, before?.etag ?? null)))
        throw new Problem(
          "conflict",
          `Another backup to ${url} came to its end meanwhile, and counts; this one does not`,
        );
      own = await etagOf(bucket, note);
      const stay = new Set(generationsOf(note).flatMap(namesOf));
      for (const name of earlier.flatMap(namesOf)) if (!stay.has(name)) await bucket.remove(name);
      await removeCut(bucket, path, stay);
    },
    async readList(note) {
      const found = await bucket.read(listOf(note), LIST_LIMIT);
      return found?.bytes ?? null;
    },
    async prune(note, isNeeded) {
      const isStill = async () => {
        for (;;) {
          const asked = performance.now();
          if (own === null || (await bucket.stat(NOTE))?.etag !== own) return false;
          if (performance.now() - asked < believed) return true;
        }
      };
      let pruned = 0;
      let going: string[] = [];
      const go = async () => {
        if (!(await isStill())) return false;
        await Promise.all(going.map((sha256) => bucket.remove(fileOf(BLOBS, sha256))));
        pruned += going.length;
        going = [];
        return true;
      };
      for await (const sha256 of bucketPlace(bucket).list()) {
        if (isNeeded(sha256)) continue;
        going.push(sha256);
        if (going.length === AT_ONCE && !(await go())) return null;
      }
      if (!(await go())) return null;
      const { isPruning: _, ...done } = note;
      await putNote(bucket, done, own); // else another backup has begun, and says so
      return pruned;
    },
    close: () => removeMade(made),
  };
}

/** What is there. Who removes files that no backup names is told that one begins, which may need them. */
async function begin(bucket: Bucket): Promise<{
  before: { note: Note; etag: string } | null;
  wasPruning: boolean;
}> {
  for (;;) {
    const found = await bucket.read(NOTE, NOTE_LIMIT);
    const note = found && noteFrom(Buffer.from(found.bytes).toString());
    if (!found || !note?.isPruning)
      return { before: found && note && { note, etag: found.etag }, wasPruning: false };
    const { isPruning: _, ...next } = note;
    if (!(await putNote(bucket, next, found.etag))) continue;
    const etag = await etagOf(bucket, next);
    if (etag !== null) return { before: { note: next, etag }, wasPruning: true };
  }
}

const bytesOf = (note: Note) => Buffer.from(`${JSON.stringify(note)}\n`);

/** Of the note that was put; null where another one is there by now, as where another backup has begun this moment. */
async function etagOf(bucket: Bucket, note: Note): Promise<string | null> {
  const found = await bucket.read(NOTE, NOTE_LIMIT);
  return found && Buffer.compare(found.bytes, bytesOf(note)) === 0 ? found.etag : null;
}

function putNote(bucket: Bucket, note: Note, etag: string | null): Promise<boolean> {
  const bytes = bytesOf(note);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return bucket.put(NOTE, bytes, sha256, etag === null ? "isNew" : { etag });
}

/** Throws Problem("conflict") where what was listed at the beginning has gone since: another backup was removing what nobody named then. */
async function requireAll(
  bucket: Bucket,
  list: Uint8Array,
  remembers: (sha256: string) => boolean,
): Promise<void> {
  const there = new Set(await Array.fromAsync(bucketPlace(bucket).list()));
  for (let at = 0; at < list.length; at += 32) {
    const sha256 = Buffer.from(list.subarray(at, at + 32)).toString("hex");
    if (remembers(sha256) && !there.has(sha256))
      throw new Problem(
        "conflict",
        `Another backup has removed files from ${bucket.name} which nobody named then, and this one does: run it again`,
      );
  }
}

const listOf = ({ catalog }: Note) => `${CATALOGS}/${catalog}.files`;
const catalogOf = ({ catalog }: Note) => `${CATALOGS}/${catalog}.db`;
/** All that stands there for one backup alone. */
const namesOf = (note: Note) => [catalogOf(note), listOf(note)];

async function removeMade(made: string): Promise<void> {
  for (const end of ["", "-wal", "-shm"]) await rm(`${made}${end}`, { force: true });
}

/** By the bucket's clock. A younger one may be that of a backup under way. */
async function removeCut(bucket: Bucket, made: string, kept: Set<string>): Promise<void> {
  const now = (await bucket.stat(made))?.changedAt ?? 0;
  for await (const { path, changedAt } of bucket.list(`${CATALOGS}/`))
    if (!kept.has(path) && changedAt < now - CUT_MS) await bucket.remove(path);
}

/** The files of it: those that were listed or put are not asked for again, one by one. */
function remembering(bucket: Bucket): BlobPlace & { remembers(sha256: string): boolean } {
  const sizes = new Map<string, number>();
  const keyOf = (sha256: string) => Buffer.from(sha256, "hex").toString("latin1"); // half of the memory
  const place = bucketPlace(bucket, BLOBS, (sha256, size) => sizes.set(keyOf(sha256), size));
  return {
    ...place,
    remembers: (sha256) => sizes.has(keyOf(sha256)),
    size: async (sha256) => sizes.get(keyOf(sha256)) ?? place.size(sha256),
    async put(sha256, bytes, told) {
      let size = 0;
      const isTrue = await place.put(sha256, bytes, (put) => {
        size = put;
        told(put);
      });
      if (isTrue) sizes.set(keyOf(sha256), size);
      return isTrue;
    },
  };
}

/** The files of the log: which of them are there is listed once. */
async function rememberingLog(bucket: Bucket): Promise<LogFiles> {
  const files = openBucketLog(bucket);
  const there = new Set<string>();
  for await (const { path } of bucket.list(`${LOG}/`)) there.add(path.slice(LOG.length + 1));
  return {
    ...files,
    has: async (path) => there.has(path),
    async write(path, bytes) {
      await files.write(path, bytes);
      there.add(path);
    },
    async remove(path) {
      const gone = [...there].filter((one) => isAt(one, path));
      if (gone.length === 0) return;
      await files.remove(path);
      for (const one of gone) there.delete(one);
    },
  };
}

/** Whether it is that file, or one of that folder. */
function isAt(file: string, path: string): boolean {
  return path === "." || file === path || file.startsWith(`${path}/`);
}

/**
 * For who only reads: nothing of it is altered, and nobody is kept from backing up meanwhile. Throws Problem("notFound") where no backup was ever finished,
 * Problem("conflict") where its catalog is not there.
 */
export async function readBucketBackup(
  url: string,
  bucket: Bucket,
  before: number | null = null,
): Promise<BackupReader> {
  const found = await bucket.read(NOTE, NOTE_LIMIT);
  const last = found && noteFrom(Buffer.from(found.bytes).toString());
  if (!last) throw noBackup(url);
  const note = before === null ? last : chosen(last, before, url);
  const gone = () =>
    new Problem(
      "conflict",
      `The catalog of the backup of ${note.madeAt} is not in ${bucket.name} any more: another backup has come to its end this moment, or somebody has removed it`,
    );
  if (!(await bucket.stat(catalogOf(note)))) throw gone();
  return {
    note,
    log: openBucketLog(bucket),
    async takeCatalog(path) {
      const catalog = await bucket.get(catalogOf(note));
      if (!catalog) throw gone();
      if ((await write(catalog.chunks, path)) === note.catalog) return;
      await rm(path, { force: true });
      throw new Problem(
        "malformed",
        `${catalogOf(note)} of ${bucket.name} is not what was backed up at ${note.madeAt}: the bucket has altered it`,
      );
    },
    async bring(to, count) {
      const told = (_: number, bytes: number) => count(bytes);
      const { damaged } = await copyBlobs(bucketPlace(bucket), folderPlace(to), told);
      const evidence = folderPlace({ ...to, blobs: to.evidence });
      await copyBlobs(bucketPlace(bucket, EVIDENCE), evidence, told);
      return damaged;
    },
    async close() {},
  };
}

/** In place of what was there. Returns the SHA-256 of what was written. */
async function write(chunks: AsyncIterable<Uint8Array>, path: string): Promise<string> {
  const file = await open(path, "w", FILE_MODE);
  try {
    const hash = createHash("sha256");
    for await (const chunk of chunks) {
      hash.update(chunk);
      await guard(file.writeFile(chunk));
    }
    await guard(file.sync());
    return hash.digest("hex");
  } finally {
    await file.close();
  }
}
