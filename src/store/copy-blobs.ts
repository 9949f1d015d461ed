// Brings stored files from one place to another: each is hashed on its way, and what is there is not brought again.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { openBlobs } from "./blobs.ts";
import { COPY, lookAt } from "./guard.ts";
import { fileOf, type Layout } from "./layout.ts";

/** Stored files, wherever they are. */
export interface BlobPlace {
  /** Their digests, in order. */
  list(): AsyncGenerator<string>;
  /** Null when there is none. */
  size(sha256: string): Promise<number | null>;
  /** Null when there is none. */
  read(sha256: string): Promise<AsyncIterable<Uint8Array> | null>;
  /**
   * It is there for good when this resolves, in place of what was there. False, and nothing is there, where the bytes are not what the digest says;
   * `told` hears of how many they were.
   */
  put(
    sha256: string,
    bytes: AsyncIterable<Uint8Array>,
    told: (size: number) => void,
  ): Promise<boolean>;
}

export function folderPlace(layout: Pick<Layout, "blobs" | "incoming">): BlobPlace {
  const blobs = openBlobs(layout as Layout);
  const sizeOf = async (sha256: string) =>
    (await lookAt(fileOf(layout.blobs, sha256), COPY))?.size ?? null;
  return {
    list: blobs.list,
    size: sizeOf,
    async read(sha256) {
      if ((await sizeOf(sha256)) === null) return null;
      return createReadStream(fileOf(layout.blobs, sha256), { highWaterMark: PIECE });
    },
    async put(sha256, bytes, told) {
      const incoming = await blobs.begin();
      try {
        const hash = createHash("sha256");
        let size = 0;
        for await (const chunk of bytes) {
          hash.update(chunk);
          size += chunk.length;
          await incoming.write(chunk);
        }
        if (hash.digest("hex") !== sha256) return false;
        await incoming.commit(sha256, { durable: true });
        told(size);
        return true;
      } finally {
        await incoming.abandon();
      }
    },
  };
}

const PIECE = 1024 * 1024;
/** Files on their way at one time: each waits for a disk or a network. */
const AT_ONCE = 8;

export interface CopiedBlobs {
  /** Of this time. */
  files: number;
  bytes: number;
  /** That were there before. */
  already: number;
  /** Digests of files that are not true to their names, and were left out. */
  damaged: string[];
}

/** `told`: of all files so far, and how large the last one was. */
export async function copyBlobs(
  from: BlobPlace,
  to: BlobPlace,
  told: (files: number, bytes: number) => void,
): Promise<CopiedBlobs> {
  const done: CopiedBlobs = { files: 0, bytes: 0, already: 0, damaged: [] };
  await atOnce(AT_ONCE, missing(from, to, done), (sha256) =>
    copyBlob(sha256, from, to, done, told),
  );
  done.damaged.sort();
  return done;
}

async function copyBlob(
  sha256: string,
  from: BlobPlace,
  to: BlobPlace,
  done: CopiedBlobs,
  told: (files: number, bytes: number) => void,
): Promise<void> {
  const bytes = await from.read(sha256);
  if (!bytes) return; // removed meanwhile
  try {
    const isTrue = await to.put(sha256, bytes, (size) => {
      done.files += 1;
      done.bytes += size;
      told(done.files, size);
    });
    if (!isTrue) done.damaged.push(sha256);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && syscall === "open") return; // removed between the look and the read
    throw error;
  }
}

/** What the one has and the other has not, by two lists that are in the same order. */
async function* missing(from: BlobPlace, to: BlobPlace, done: CopiedBlobs): AsyncGenerator<string> {
  const there = inOrder(to.list());
  try {
    let next = await there.next();
    for await (const sha256 of inOrder(from.list())) {
      while (!next.done && next.value < sha256) next = await there.next();
      if (!next.done && next.value === sha256) done.already += 1;
      else yield sha256;
    }
  } finally {
    await there.return(undefined);
  }
}

async function* inOrder(digests: AsyncGenerator<string>): AsyncGenerator<string, undefined> {
  let last = "";
  for await (const sha256 of digests) {
    if (sha256 <= last)
      throw new Error("Stored files are not listed in the order of their digests");
    yield sha256;
    last = sha256;
  }
  return undefined;
}

/** What a catalog names: whether it is there with its size, and if not, whether it can be brought. Returns digests of what is nowhere. */
export async function requireBlobs(
  named: AsyncIterable<{ sha256: string; size: number; isAwaited: boolean }>,
  from: BlobPlace,
  to: BlobPlace,
  told: (files: number) => void,
): Promise<string[]> {
  const nowhere = new Set<string>();
  let looked = 0;
  await atOnce(AT_ONCE, named, async ({ sha256, size, isAwaited }) => {
    looked += 1;
    told(looked);
    if ((await to.size(sha256)) === size) return;
    const bytes = (await from.size(sha256)) === size ? await from.read(sha256) : null;
    if (bytes && (await to.put(sha256, bytes, () => {}))) return;
    if (!isAwaited) nowhere.add(sha256);
  });
  return [...nowhere].sort();
}

/** Reads all that is there. Returns digests of what is not true to them. */
export async function verifyBlobs(
  place: BlobPlace,
  told: (files: number) => void,
): Promise<string[]> {
  const damaged: string[] = [];
  let looked = 0;
  await atOnce(AT_ONCE, place.list(), async (sha256) => {
    const hash = createHash("sha256");
    for await (const chunk of (await place.read(sha256)) ?? []) hash.update(chunk);
    if (hash.digest("hex") !== sha256) damaged.push(sha256);
    looked += 1;
    told(looked);
  });
  return damaged.sort();
}

/** Does all of it, some at a time. After a failure nothing new begins, and what is under way is waited for. */
async function atOnce<T>(
  count: number,
  all: AsyncIterable<T>,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const iterator = all[Symbol.asyncIterator]();
  let failure: { error: unknown } | null = null;
  // A generator gives one after the other, to whoever asks next.
  const worker = async () => {
    while (!failure) {
      const { done, value } = await iterator.next();
      if (done) return;
      await work(value);
    }
  };
  await Promise.all(
    Array.from({ length: count }, () =>
      worker().catch((error) => {
        failure ??= { error };
      }),
    ),
  );
  await iterator.return?.();
  if (failure) throw (failure as { error: unknown }).error;
}
