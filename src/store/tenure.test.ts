// Whose the files are: a catalog that knows the last word, one that was put back, and two copies of one that both go on.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { besideBucket, writeBucketMark } from "./bucket-mark.ts";
import { onBucket, testBucket } from "./bucket-testkit.ts";
import type { Database } from "./database.ts";
import { layoutOf } from "./layout.ts";
import { type Beside, openTenure, takeTenure, whyNot } from "./tenure.ts";
import { besideFolder } from "./tenure-file.ts";
import { openTestDatabase } from "./testkit.ts";

let root: string;
let first: Database;
let second: Database;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-tenure-"));
  first = await openTestDatabase(join(root, "first.db"));
  second = await openTestDatabase(join(root, "second.db"));
});
afterEach(async () => {
  await first.close();
  await second.close();
  rmSync(root, { recursive: true, force: true });
});

/** What a catalog says of this is in a row; a copy of it is as it was then. */
async function copy(from: Database, to: Database): Promise<void> {
  const [row] = await from.read`SELECT bytes FROM kept WHERE repository = '' AND key = 'tenure'`;
  await to.write(async (sql) => {
    await sql`DELETE FROM kept WHERE repository = '' AND key = 'tenure'`;
    if (row)
      await sql`INSERT INTO kept (repository, key, bytes, at) VALUES ('', 'tenure', ${row.bytes}, 0)`;
  });
}

const BEHIND = "does not know what was last written beside the files";

const places: [what: string, beside: () => Promise<Beside>][] = [
  ["a folder", async () => besideFolder(layoutOf(root))],
];
if (onBucket)
  places.push([
    "a bucket",
    async () => {
      const bucket = testBucket(layoutOf(root));
      await writeBucketMark(bucket, { id: "ann", catalog: "there", place: null });
      return besideBucket(bucket, async () => {});
    },
  ]);

for (const [what, open] of places) {
  const tenure = (database: Database, beside: Beside) => openTenure(database, beside, Date.now);

  test(`${what}: a catalog goes on with its words, by whichever server, and one that was put back does not until it is told to`, async () => {
    const beside = await open();
    expect(await whyNot(first, beside)).toBeNull();
    const [one, other] = [tenure(first, beside), tenure(first, beside)];
    for (let turn = 0; turn < 40; turn += 1) {
      if (turn === 3) await copy(first, second);
      await one.renew();
      await other.renew();
    }
    expect(await whyNot(first, beside)).toBeNull();
    expect([one.seen(), other.seen()]).toEqual([null, null]);

    await copy(second, first); // as it was then
    expect(await whyNot(first, beside)).toContain(BEHIND);
    const told: (string | null)[] = [];
    const late = openTenure(
      first,
      beside,
      () => 5,
      (why) => told.push(why),
    );
    await late.renew();
    await expect(late.require()).rejects.toThrow("move --take-over");
    expect(late.seen()).toEqual({ why: expect.stringContaining(BEHIND), since: 5 });
    expect(await whyNot(first, beside)).toContain(BEHIND);
    expect(await takeTenure(first, beside)).toBe(true);
    expect(await takeTenure(first, beside)).toBe(false);
    await late.renew();
    expect(told).toEqual([expect.stringContaining(BEHIND), null]);
    await late.require();
  });

  test(`${what}: of two copies that go on the last to say so has the files, and then whoever is told to`, async () => {
    const beside = await open();
    await tenure(first, beside).renew();
    await copy(first, second);
    expect(await whyNot(first, beside)).toBeNull();
    expect(await whyNot(second, beside)).toBeNull();
    await tenure(second, beside).renew();
    expect([await whyNot(first, beside), await whyNot(second, beside)]).toEqual([
      expect.stringContaining(BEHIND),
      null,
    ]);
    // It says nothing more before it is told to, however often it tries.
    for (let turn = 0; turn < 3; turn += 1) await tenure(first, beside).renew();
    expect(await whyNot(second, beside)).toBeNull();
    expect(await takeTenure(first, beside)).toBe(true);
    expect([await whyNot(first, beside), await whyNot(second, beside)]).toEqual([
      null,
      expect.stringContaining(BEHIND),
    ]);
    for (let turn = 0; turn < 70; turn += 1) await tenure(first, beside).renew();
    expect(await takeTenure(second, beside)).toBe(true);
    expect(await whyNot(first, beside)).toContain(BEHIND);
  });

  test(`${what}: where another copy goes on beside it nothing is published, and where none does it is`, async () => {
    const beside = await open();
    await copy(first, second);
    await tenure(first, beside).renew();
    const late = openTenure(second, beside, Date.now, () => {}, 0);
    for (let look = 0; look < 3; look += 1) await late.requireNoOther();
    expect(late.seen()).not.toBeNull();
    await tenure(first, beside).renew();
    await expect(late.requireNoOther()).rejects.toThrow("Stop one of the two");
    await takeTenure(second, beside);
    await late.requireNoOther();
    expect(late.seen()).toBeNull();
  });

  test(`${what}: a word that was written down and never left, and one from long ago, are the catalog's own`, async () => {
    const beside = await open();
    await tenure(first, beside).renew();
    const { word } = await beside.read();
    const cut: Beside = { ...beside, write: () => Promise.reject(new Error("cut here")) };
    await expect(tenure(first, cut).renew()).rejects.toThrow("cut here");
    expect(await whyNot(first, beside)).toBeNull();
    // Files that were elsewhere meanwhile, and come back to where they were.
    for (let turn = 0; turn < 70; turn += 1) await tenure(first, beside).renew();
    const { version } = await beside.read();
    expect(await beside.write(word!, version)).toBe(true);
    expect(await whyNot(first, beside)).toBeNull();
    await tenure(first, beside).renew();
    expect((await beside.read()).word!.number).toBeGreaterThan(70);
  });
}

if (onBucket)
  test("two that write at once do not write over each other, and the mark keeps the word when it is written for another reason", async () => {
    const bucket = testBucket(layoutOf(root));
    const mark = { id: "ann", catalog: "there", place: null };
    await writeBucketMark(bucket, mark);
    const beside = besideBucket(bucket, async () => {});
    const { version } = await beside.read();
    const words = [1, 2].map((number) => ({ number, token: `of ${number}` }));
    const done = await Promise.all(words.map((word) => beside.write(word, version)));
    expect(done.toSorted()).toEqual([false, true]);
    const { word } = await beside.read();
    expect(word).toEqual(done[0] ? words[0]! : words[1]!);
    expect(await writeBucketMark(bucket, { ...mark, catalog: "elsewhere" })).toBe(true);
    expect((await beside.read()).word).toEqual(word);
  });

test("a file beside the files that is no word is said to be damaged, and nothing is removed", async () => {
  const beside = besideFolder(layoutOf(root));
  const tenure = openTenure(first, beside, Date.now);
  await tenure.renew();
  writeFileSync(join(root, "tenure.json"), "{");
  await tenure.renew();
  expect(await tenure.whyNot()).toContain("is damaged");
});

test("a file beside the files that cannot be read says nothing, and hurts nobody who asks", async () => {
  const beside = besideFolder(layoutOf(root));
  mkdirSync(join(root, "tenure.json"));
  const tenure = openTenure(first, beside, Date.now);
  expect(await tenure.whyNot()).toContain("cannot be read (EISDIR)");
  await tenure.requireNoOther();
  await expect(tenure.require()).rejects.toThrow("cannot be read");
  expect(tenure.seen()).toBeNull();
});
