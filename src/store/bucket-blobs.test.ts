// What copies on this machine add to blobs in a bucket: they come once, true, are bounded, and never speak for the bucket.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Blobs } from "./blobs.ts";
import { type Bucket, openBucket } from "./bucket.ts";
import { FOLDER, openBucketBlobs } from "./bucket-blobs.ts";
import { countCopies } from "./bucket-copies.ts";
import { onBucket, testBucket, testPlace } from "./bucket-testkit.ts";
import { createUploads } from "./bucket-upload.ts";
import { follow } from "./fill.ts";
import { fileOf, type Layout, openLayout } from "./layout.ts";

const FETCHED = { durable: false };
const KIB = 1024;
let layout: Layout;
let clock: number;
let found: string[];
beforeEach(() => {
  layout = openLayout(join(mkdtempSync(join(tmpdir(), "holdfast-copies-")), "data"));
  clock = 0;
  found = [];
});
afterEach(() => rmSync(layout.root, { recursive: true, force: true }));

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytesOf = (name: string, size: number) => Buffer.alloc(size, `${name} `);
const isCopied = (sha256: string) => existsSync(fileOf(layout.copies, sha256));

function open(bucket: Bucket, limit = 2 ** 30): Blobs {
  return openBucketBlobs(layout, bucket, {
    limit,
    elapsed: () => clock,
    isFalse: (sha256) => void found.push(sha256),
  });
}

test("of copies that are too many those go that were used longest ago, and none that was used just now", async () => {
  const copies = countCopies(layout.copies, { limit: 40 * KIB, elapsed: () => clock });
  const names = Array.from({ length: 6 }, (_, at) => digestOf(Buffer.from(`${at}`)));
  const write = (sha256: string) => {
    const path = fileOf(layout.copies, sha256);
    return Bun.write(path, bytesOf("x", 10 * KIB));
  };
  for (const name of names) {
    await write(name);
    copies.note(name, 10 * KIB);
    clock += 1000;
  }
  await copies.settled();
  expect(names.map(isCopied)).toEqual(names.map(() => true)); // all of them are in use
  clock += 3_600_000;
  copies.note(names[0]!, 10 * KIB);
  await copies.settled();
  // A file of 10 KiB takes 12 of the disk.
  expect(names.map(isCopied)).toEqual([true, false, false, false, true, true]);
});

test("where the disk is full those used longest ago go, whatever the bound, and none that may be about to be opened", async () => {
  const copies = countCopies(layout.copies, { limit: 2 ** 30, elapsed: () => clock });
  const names = Array.from({ length: 4 }, (_, at) => digestOf(Buffer.from(`${at}`)));
  for (const name of names) {
    await Bun.write(fileOf(layout.copies, name), bytesOf("x", 10 * KIB));
    copies.note(name, 10 * KIB);
    clock += 1000;
  }
  expect(await Promise.all([copies.makeRoom(), copies.makeRoom()])).toEqual([true, true]);
  expect(names.map(isCopied)).toEqual([false, false, false, true]);
  expect(await copies.makeRoom()).toBe(false);
  const beside = countCopies(layout.copies, { limit: null });
  expect(await beside.makeRoom()).toBe(false);
  expect(isCopied(names[3]!)).toBe(true);
});

test("copies of an earlier run count, and go first", async () => {
  const names = Array.from({ length: 4 }, (_, at) => digestOf(Buffer.from(`${at}`)));
  for (const name of names.slice(0, 3))
    await Bun.write(fileOf(layout.copies, name), bytesOf("x", 10 * KIB));
  const copies = countCopies(layout.copies, { limit: 25 * KIB, elapsed: () => clock });
  copies.note(names[3]!, 4 * KIB);
  await Bun.write(fileOf(layout.copies, names[3]!), bytesOf("x", 4 * KIB));
  await copies.settled();
  expect(names.slice(0, 3).filter(isCopied)).toHaveLength(1);
  expect(isCopied(names[3]!)).toBe(true);
});

if (onBucket) define();

function define(): void {
  const bytes = bytesOf("one", 300 * KIB);
  const sha256 = digestOf(bytes);

  test("a blob that is not on this machine comes once, for all who ask at once, and is proven", async () => {
    const bucket = testBucket(layout);
    const asked: string[] = [];
    const counting: Bucket = {
      ...bucket,
      get(path) {
        asked.push(path);
        return bucket.get(path);
      },
    };
    const blobs = open(counting);
    await blobs.put(sha256, bytes, FETCHED);
    await blobs.forget(sha256);
    expect(isCopied(sha256)).toBe(false);
    const paths = await Promise.all([1, 2, 3].map(() => blobs.local(sha256)));
    expect(new Set(paths).size).toBe(1);
    expect(readFileSync(paths[0]!)).toEqual(bytes);
    expect(asked).toHaveLength(1);
    expect(await blobs.stat(sha256)).toMatchObject({ size: bytes.length, isProven: true });
    chmodSync(paths[0]!, 0o600);
    writeFileSync(paths[0]!, "altered on this disk");
    expect(await blobs.stat(sha256)).toMatchObject({ isProven: false });
    expect(await blobs.digest(sha256)).toBe(sha256);
  });

  /** A large blob that is in the bucket alone, of which the last bytes wait until `finish` is called. */
  async function slowly(sent: Uint8Array) {
    const large = bytesOf("large", 5 * KIB * KIB);
    const name = digestOf(large);
    const bucket = testBucket(layout);
    const rest = Promise.withResolvers<void>();
    const blobs = open({
      ...bucket,
      async get(path) {
        const found = await bucket.get(path);
        await found?.chunks.return(undefined);
        async function* chunks() {
          yield sent.subarray(0, 2 ** 20);
          await rest.promise;
          yield sent.subarray(2 ** 20);
        }
        return found && { ...found, chunks: chunks() };
      },
    });
    await blobs.put(name, large, FETCHED);
    await blobs.forget(name);
    const fill = await blobs.coming(name, large.length);
    return { blobs, name, large, fill: fill!, finish: rest.resolve };
  }

  test("a large blob is read along while it comes, a small one and one that is here are not", async () => {
    const large = bytesOf("large", 5 * KIB * KIB);
    const { blobs, name, fill, finish } = await slowly(large);
    const reading = follow(fill);
    const { value } = await reading.next();
    expect(value!.length).toBeGreaterThan(100 * KIB);
    expect(isCopied(name)).toBe(false);
    expect(await blobs.coming(name, large.length)).toBe(fill);
    finish();
    const parts = [value!];
    for await (const part of reading) parts.push(part);
    expect(digestOf(Buffer.concat(parts))).toBe(name);
    expect(await blobs.coming(name, large.length)).toBeNull();
    await blobs.put(sha256, bytes, FETCHED);
    await blobs.forget(sha256);
    expect(await blobs.coming(sha256, bytes.length)).toBeNull();
    expect(await blobs.coming("0".repeat(64), large.length)).toBeNull();
  });

  test("of other bytes nobody who reads along gets the end", async () => {
    const other = bytesOf("other", 5 * KIB * KIB);
    const { blobs, name, fill, finish } = await slowly(other);
    let read = 0;
    const reading = (async () => {
      for await (const part of follow(fill)) read += part.length;
    })();
    const whole = blobs.local(name);
    finish();
    await expect(reading).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("is something else"),
    });
    expect(read).toBeLessThan(other.length);
    expect(await whole).toBeNull();
    expect(found).toEqual([name]);
    expect(isCopied(name)).toBe(false);
  });

  test("other bytes in the bucket are no blob: they are told, and get no name here", async () => {
    const blobs = open(testBucket(layout));
    await blobs.put(sha256, bytes, FETCHED);
    await blobs.forget(sha256);
    const other = Buffer.from("other bytes");
    await testBucket(layout).put(fileOf(FOLDER, sha256), other, digestOf(other));
    expect(await blobs.local(sha256)).toBeNull();
    expect(found).toEqual([sha256]);
    expect(isCopied(sha256)).toBe(false);
    const actual = digestOf(Buffer.from("other bytes"));
    expect(await blobs.digest(sha256)).toBe(actual);
    await blobs.depose(sha256, actual);
    expect(await blobs.stored(sha256)).toBeNull();
    expect(readFileSync(fileOf(layout.evidence, actual), "utf8")).toBe("other bytes");
  });

  test("a copy says nothing of what is kept: what went from the bucket is not stored", async () => {
    const blobs = open(testBucket(layout));
    await blobs.put(sha256, bytes, FETCHED);
    await testBucket(layout).remove(fileOf(FOLDER, sha256));
    expect(await blobs.stat(sha256)).toMatchObject({ size: bytes.length });
    expect(await blobs.stored(sha256)).toBeNull();
    expect(await blobs.digest(sha256)).toBeNull();
    await blobs.put(sha256, bytes, FETCHED);
    expect(await blobs.stored(sha256)).toMatchObject({ size: bytes.length });
  });

  test("a large file goes in parts and is there when all of them are; one that fails leaves nothing", async () => {
    const bucket = testBucket(layout);
    const part = 5 * KIB * KIB;
    const large = Buffer.concat([bytesOf("a", part), bytesOf("b", part), bytesOf("c", 100)]);
    const from = join(layout.incoming, "large");
    writeFileSync(from, large);
    await createUploads(bucket, part).upload("large", from, digestOf(large));
    const read = await bucket.read("large", large.length);
    expect(digestOf(read!.bytes)).toBe(digestOf(large));

    const failing: Bucket = {
      ...bucket,
      async begin(path) {
        const upload = await bucket.begin(path);
        return {
          ...upload,
          async part(number, ...given) {
            if (number === 3) throw new Error("cut");
            await upload.part(number, ...given);
          },
        };
      },
    };
    const upload = createUploads(failing, part).upload("other", from, digestOf(large));
    await expect(upload).rejects.toThrow("cut");
    expect(await bucket.stat("other")).toBeNull();
  });

  test("what the bucket does not take has no name, here or there", async () => {
    const away = openBucket(testPlace(layout.root, { secretKey: "another" }), { pauseMs: 1 });
    const blobs = open(away);
    await expect(blobs.put(sha256, bytes, FETCHED)).rejects.toThrow("does not take the access key");
    const incoming = await blobs.begin();
    await incoming.write(bytes);
    await expect(incoming.commit(sha256, FETCHED)).rejects.toThrow("does not take the access key");
    await incoming.abandon();
    expect(isCopied(sha256)).toBe(false);
    expect(await open(testBucket(layout)).stored(sha256)).toBeNull();
  });
}
