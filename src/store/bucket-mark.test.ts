// Whose files they are, on both engines, and in a bucket where there is one for tests.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBucketMark, readStoreNote, writeBucketMark, writeStoreNote } from "./bucket-mark.ts";
import { onBucket, testBucket } from "./bucket-testkit.ts";
import { layoutOf } from "./layout.ts";
import { openTestDatabase } from "./testkit.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "holdfast-mark-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a catalog says in which bucket its files are, or in none", async () => {
  const database = await openTestDatabase(join(root, "holdfast.db"));
  expect(await readStoreNote(database)).toBeNull();
  for (const url of ["s3://one", "s3://other/place", null, "s3://one"]) {
    await writeStoreNote(database, url);
    expect(await readStoreNote(database)).toBe(url);
  }
  await database.close();
});

if (onBucket) {
  test("a bucket is the first one's that says so, and each time it says so", async () => {
    const bucket = testBucket(layoutOf(root));
    const [ann, ben] = ["ann", "ben"].map((id) => ({
      id,
      catalog: `the catalog of ${id}`,
      place: null,
    }));
    expect(await readBucketMark(bucket)).toBeNull();
    const won = await Promise.all([ann!, ben!].map((mark) => writeBucketMark(bucket, mark)));
    expect(won.toSorted()).toEqual([false, true]);
    const winner = won[0] ? ann! : ben!;
    expect(await readBucketMark(bucket)).toEqual(winner);
    expect(await writeBucketMark(bucket, winner)).toBe(true);
    const moved = { ...winner, catalog: "elsewhere", place: "1/2" };
    expect(await writeBucketMark(bucket, moved)).toBe(true);
    expect(await readBucketMark(bucket)).toEqual(moved);
    for (const other of ["s3://there", "s3://elsewhere"]) {
      expect(await writeBucketMark(bucket, { ...moved, other })).toBe(true);
      expect(await readBucketMark(bucket)).toEqual({ ...moved, other });
    }
    expect(await writeBucketMark(bucket, moved)).toBe(true);
    expect(await readBucketMark(bucket)).toEqual(moved);
  });

  test("a mark of a version before says nothing of which database it is", async () => {
    const bucket = testBucket(layoutOf(root));
    const bytes = Buffer.from('{"id":"ann","catalog":"there"}');
    await bucket.put("holdfast.json", bytes, createHash("sha256").update(bytes).digest("hex"));
    expect(await readBucketMark(bucket)).toEqual({ id: "ann", catalog: "there", place: null });
  });

  test("a mark that is damaged is said to be that", async () => {
    const bucket = testBucket(layoutOf(root));
    const bytes = Buffer.from("{");
    await bucket.put("holdfast.json", bytes, createHash("sha256").update(bytes).digest("hex"));
    await expect(readBucketMark(bucket)).rejects.toThrow("is damaged");
  });
}
