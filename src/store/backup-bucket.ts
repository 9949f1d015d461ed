// A bucket as the home of backups: files and log by the names that they have in a data directory, each catalog by its digest, and a note that says which
// of them counts. The note is replaced on the condition that it is the one that was found, so that there is no lock that a kill could leave behind.
//
//   holdfast.json           whose backups these are (bucket-mark.ts)
//   backup.json             the last one that came to its end, and its catalog
//   catalogs/<sha256>.db
//   blobs/sha256/ab/cdef…   evidence/sha256/ab/cdef…   log/…
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import type { BackupHome, BackupReader, BackupSource, BackupWriter } from "./backup-home.ts";
import { NOTE, type Note, noBackup, noteFrom } from "./backup-note.ts";
import type { Bucket } from "./bucket.ts";
import { FOLDER as BLOBS } from "./bucket-blobs.ts";
import { requireConditions } from "./bucket-conditions.ts";
import { FOLDER as LOG, openBucketLog } from "./bucket-log.ts";
import { type BucketMark, readBucketMark, writeBucketMark } from "./bucket-mark.ts";
import { createUploads } from "./bucket-upload.ts";
import { type BlobPlace, copyBlobs, folderPlace, requireBlobs } from "./copy-blobs.ts";
import { bucketPlace } from "./copy-bucket.ts";
import { guard } from "./guard.ts";
import { FILE_MODE } from "./layout.ts";
import type { LogFiles } from "./log-files.ts";

const CATALOGS = "catalogs";
const EVIDENCE = "evidence/sha256";
/** Of a note. Bytes. */
const LIMIT = 4096;
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
}

/** Its writer throws Problem("conflict") for a prefix that has anything else than backups of this very catalog. */
export function bucketHome({ url, bucket, owner, scratch }: BucketHomeOptions): BackupHome {
  return {
    name: url,
    async write(source) {
      await claim(bucket, owner);
      return writer(url, bucket, source, join(scratch, "holdfast.db"));
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
): Promise<BackupWriter> {
  const before = await bucket.read(NOTE, LIMIT);
  const from = files ?? folderPlace(layout);
  const to = remembering(bucket);
  return {
    made,
    log: await rememberingLog(bucket),
    async bring(count) {
      await copyBlobs(from, to, (_, bytes) => count(bytes));
      if (files) return; // each server has its own of what was refused
      const refused = folderPlace({ ...layout, blobs: layout.evidence });
      await copyBlobs(refused, bucketPlace(bucket, EVIDENCE), (_, bytes) => count(bytes));
    },
    require: (named) => requireBlobs(named, from, to, () => {}),
    async keep(note, finish) {
      const path = catalogOf(note);
      await createUploads(bucket).upload(path, made, note.catalog);
      await finish();
      const bytes = Buffer.from(`${JSON.stringify(note)}\n`);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const condition = before ? { etag: before.etag } : "isNew";
      if (!(await bucket.put(NOTE, bytes, sha256, condition)))
        throw new Problem(
          "conflict",
          `Another backup to ${url} came to its end meanwhile, and counts; this one does not`,
        );
      const old = before && noteFrom(Buffer.from(before.bytes).toString());
      if (old && old.catalog !== note.catalog) await bucket.remove(catalogOf(old));
      await removeCut(bucket, path);
    },
    close: () => removeMade(made),
  };
}

const catalogOf = ({ catalog }: Note) => `${CATALOGS}/${catalog}.db`;

async function removeMade(made: string): Promise<void> {
  for (const end of ["", "-wal", "-shm"]) await rm(`${made}${end}`, { force: true });
}

/** By the bucket's clock. A younger one may be that of a backup under way. */
async function removeCut(bucket: Bucket, kept: string): Promise<void> {
  const now = (await bucket.stat(kept))?.changedAt ?? 0;
  for await (const { path, changedAt } of bucket.list(`${CATALOGS}/`))
    if (path !== kept && changedAt < now - CUT_MS) await bucket.remove(path);
}

/** The files of it: those that were listed or put are not asked for again, one by one. */
function remembering(bucket: Bucket): BlobPlace {
  const sizes = new Map<string, number>();
  const keyOf = (sha256: string) => Buffer.from(sha256, "hex").toString("latin1"); // half of the memory
  const place = bucketPlace(bucket, BLOBS, (sha256, size) => sizes.set(keyOf(sha256), size));
  return {
    ...place,
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
export async function readBucketBackup(url: string, bucket: Bucket): Promise<BackupReader> {
  const found = await bucket.read(NOTE, LIMIT);
  const note = found && noteFrom(Buffer.from(found.bytes).toString());
  if (!note) throw noBackup(url);
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
