// Blobs that are kept in a bucket, with copies of those in use on this machine, from which they are sent and read.
//
// Bytes are in the bucket before anything names them: what is acknowledged is there, whatever becomes of this machine. What comes from the
// bucket is compared with its digest on the way: a bucket may hold something else than what was put there.
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { Problem } from "../core/problem.ts";
import { type BlobOptions, type Blobs, type Incoming, openBlobs } from "./blobs.ts";
import type { Bucket } from "./bucket.ts";
import { type CopiesOptions, countCopies } from "./bucket-copies.ts";
import { createBucketRelay } from "./bucket-relay.ts";
import { createUploads } from "./bucket-upload.ts";
import { createFill, type Fill, type FillControl } from "./fill.ts";
import { fileOf, type Layout } from "./layout.ts";

const FETCHED = { durable: false };
/** Of what is hashed slowly, between two breaths. Bytes. */
const PIECE = 1024 * 1024;
/** How long a URL holds by which a blob can be had. */
const LINK_S = 15 * 60;
/** Where blobs stand in it. */
export const FOLDER = "blobs/sha256";

/** What is smaller is sent when it has come whole: that is soon, and costs less. Bytes. */
const LARGE = 4 * 1024 * 1024;

/** On its way to this machine. Both are null where there is no such blob, and `path` where its bytes are false. */
interface Coming {
  fill: Promise<Fill | null>;
  path: Promise<string | null>;
}

export interface BucketBlobsOptions extends BlobOptions, CopiesOptions {
  /** Told of a blob whose bytes in the bucket are not true to it: the bytes are of no use, and the name is still theirs. */
  isFalse(sha256: string): void;
}

export function openBucketBlobs(
  layout: Layout,
  bucket: Bucket,
  { isFalse, ...options }: BucketBlobsOptions,
): Blobs {
  const copies = countCopies(layout.copies, options);
  const { makeRoom } = copies;
  const here = openBlobs({ ...layout, blobs: layout.copies }, { ...options, makeRoom });
  const uploads = createUploads(bucket);
  const coming = new Map<string, Coming>();
  const nameOf = (sha256: string) => fileOf(FOLDER, sha256);

  async function bring(sha256: string, begun: (fill: Fill) => void): Promise<string | null> {
    const found = await bucket.get(nameOf(sha256));
    if (!found) return null;
    const incoming = await here.begin();
    const fill = createFill(incoming.path);
    begun(fill);
    try {
      const hash = createHash("sha256");
      let written = 0;
      for await (const chunk of found.chunks) {
        hash.update(chunk);
        await incoming.write(chunk);
        written += chunk.length;
        fill.advance(written);
      }
      if (hash.digest("hex") !== sha256) {
        isFalse(sha256);
        const words = `What the bucket has as ${sha256} is something else`;
        fill.fail(new Problem("unreachable", words));
        return null;
      }
      await take(incoming, fill, sha256);
    } catch (error) {
      fill.fail(error);
      throw error;
    } finally {
      await found.chunks.return(undefined);
      await incoming.abandon();
    }
    return here.local(sha256);
  }

  /** What was compared with its digest becomes a copy. */
  async function take(incoming: Incoming, fill: FillControl, sha256: string): Promise<void> {
    await incoming.commit(sha256, FETCHED);
    const path = await here.local(sha256);
    if (path !== null) fill.move(path);
    const copy = await here.stat(sha256);
    if (copy) copies.prove(sha256, copy.size, copy.stamp);
    fill.prove();
  }

  /** One at a time, for all who want it. */
  function start(sha256: string): Coming {
    const running = coming.get(sha256);
    if (running) return running;
    const begun = Promise.withResolvers<Fill | null>();
    const path = bring(sha256, begun.resolve).finally(() => coming.delete(sha256));
    path.then(() => begun.resolve(null), begun.reject);
    begun.promise.catch(() => {}); // who waits for the whole is told by that
    const started = { fill: begun.promise, path };
    coming.set(sha256, started);
    return started;
  }

  async function copyOf(sha256: string): Promise<string | null> {
    const path = await here.local(sha256);
    if (path === null) return null;
    copies.note(sha256, (await stat(path).catch(() => null))?.size ?? 0);
    return path;
  }

  async function local(sha256: string): Promise<string | null> {
    const copy = await copyOf(sha256);
    if (copy !== null) return copy;
    return start(sha256).path;
  }

  async function stored(sha256: string) {
    const found = await bucket.stat(nameOf(sha256));
    if (!found) return null;
    const { size, changedAt, etag } = found;
    return { size, changedAt, stamp: `${etag} ${size} ${changedAt}` };
  }

  async function forget(sha256: string): Promise<void> {
    copies.gone(sha256);
    await here.remove(sha256);
  }

  return {
    local,
    async coming(sha256, size) {
      if (size < LARGE || (await copyOf(sha256)) !== null) return null;
      const { fill, path } = start(sha256);
      path.catch(() => {}); // who reads along is told by the fill
      return fill;
    },
    async begin() {
      const incoming = await here.begin();
      return {
        ...incoming,
        async commit(sha256) {
          await uploads.upload(nameOf(sha256), incoming.path, sha256);
          const { size } = await stat(incoming.path);
          await incoming.commit(sha256, FETCHED);
          copies.note(sha256, size);
        },
      };
    },
    async put(sha256, bytes) {
      await bucket.put(nameOf(sha256), bytes, sha256);
      await here.put(sha256, bytes, FETCHED);
      copies.note(sha256, bytes.length);
    },
    condemn: here.condemn,
    async adopt(path, sha256) {
      const { size } = await stat(path);
      await uploads.upload(nameOf(sha256), path, sha256);
      await here.adopt(path, sha256, FETCHED);
      copies.note(sha256, size);
    },
    discard: here.discard,
    async stat(sha256) {
      const found = await here.stat(sha256);
      if (!found) return stored(sha256);
      copies.note(sha256, found.size);
      return { ...found, isProven: copies.isProven(sha256, found.stamp) };
    },
    stored,
    async digest(sha256, breathe) {
      const found = await bucket.get(nameOf(sha256));
      if (!found) return null;
      const hash = createHash("sha256");
      let piece = 0;
      for await (const chunk of found.chunks) {
        hash.update(chunk);
        piece += chunk.length;
        if (!breathe || piece < PIECE) continue;
        piece = 0;
        await breathe();
      }
      return hash.digest("hex");
    },
    link: (sha256, method, headers) => bucket.link(nameOf(sha256), method, LINK_S, headers),
    forget,
    async read(sha256) {
      if ((await local(sha256)) === null)
        throw new Problem("unreachable", `Bytes that were stored here are lost: ${sha256}`);
      return here.read(sha256);
    },
    readFile: here.readFile,
    async remove(sha256) {
      await bucket.remove(nameOf(sha256));
      await forget(sha256);
    },
    async depose(sha256, found) {
      const object = await bucket.get(nameOf(sha256));
      if (object) {
        const incoming = await here.begin();
        try {
          for await (const chunk of object.chunks) await incoming.write(chunk);
          await incoming.condemn(found);
        } finally {
          await object.chunks.return(undefined);
          await incoming.abandon();
        }
      }
      await bucket.remove(nameOf(sha256));
      await forget(sha256);
    },
    async *list() {
      for await (const { path } of bucket.list(`${FOLDER}/`)) {
        const sha256 = path.slice(FOLDER.length + 1).replace("/", "");
        if (path === fileOrNull(sha256)) yield sha256;
      }
    },
    relay: createBucketRelay({
      ...{ bucket, nameOf, take },
      inPlace: uploads.inPlace,
      begin: here.begin,
    }),
  };
}

function fileOrNull(sha256: string): string | null {
  try {
    return fileOf(FOLDER, sha256);
  } catch {
    return null;
  }
}
