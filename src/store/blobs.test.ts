import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Blobs, openBlobs } from "./blobs.ts";
import { emptyIncoming, type Layout, openLayout } from "./layout.ts";

const BYTES = Buffer.from("true to its name");
const DIGEST = createHash("sha256").update(BYTES).digest("hex");
let layout: Layout;
let blobs: Blobs;
beforeEach(() => {
  layout = openLayout(join(mkdtempSync(join(tmpdir(), "holdfast-blobs-")), "data"));
  blobs = openBlobs(layout);
});
afterEach(() => rmSync(layout.root, { recursive: true, force: true }));

async function all(): Promise<string[]> {
  const found: string[] = [];
  for await (const digest of blobs.list()) found.push(digest);
  return found;
}

for (const name of [
  "",
  "..",
  "../../etc/passwd",
  `${DIGEST}/x`,
  DIGEST.toUpperCase(),
  `x${DIGEST}`,
])
  test(`L1: ${JSON.stringify(name.slice(0, 20))} names no blob, on any way in`, async () => {
    expect(() => blobs.path(name)).toThrow(TypeError);
    await expect((async () => blobs.stat(name))()).rejects.toThrow(TypeError);
    await expect((async () => blobs.read(name))()).rejects.toThrow(TypeError);
    await expect(blobs.put(name, BYTES)).rejects.toThrow(TypeError);
    await expect(blobs.condemn(name, BYTES)).rejects.toThrow(TypeError);
    await expect(blobs.remove(name)).rejects.toThrow(TypeError);
    expect(await all()).toEqual([]);
    expect(readdirSync(layout.incoming)).toEqual([]);
  });

test("a download has no name until it is committed, and then for reading only", async () => {
  const incoming = await blobs.begin();
  await incoming.write(BYTES.subarray(0, 5));
  await incoming.write(BYTES.subarray(5));
  expect(await blobs.stat(DIGEST)).toBeNull();
  await incoming.commit(DIGEST);
  expect(await blobs.stat(DIGEST)).toMatchObject({ size: BYTES.length });
  expect(await blobs.read(DIGEST)).toEqual(BYTES);
  expect(statSync(blobs.path(DIGEST)).mode & 0o222).toBe(0);
  await incoming.abandon(); // too late to do harm
  expect(await all()).toEqual([DIGEST]);
  expect(readdirSync(layout.incoming)).toEqual([]);
});

test("an abandoned download leaves nothing, a condemned one leaves evidence and no blob", async () => {
  const [abandoned, condemned] = [await blobs.begin(), await blobs.begin()];
  for (const incoming of [abandoned, condemned]) await incoming.write(BYTES);
  await abandoned.abandon();
  await abandoned.abandon();
  await condemned.condemn(DIGEST);
  await condemned.abandon();
  expect(await all()).toEqual([]);
  expect(readdirSync(layout.incoming)).toEqual([]);
  const evidence = join(layout.evidence, DIGEST.slice(0, 2), DIGEST.slice(2));
  expect(readFileSync(evidence)).toEqual(BYTES);
});

test("put, adopt and remove", async () => {
  await blobs.put(DIGEST, BYTES);
  await blobs.put(DIGEST, BYTES); // the same again
  expect(await all()).toEqual([DIGEST]);
  await blobs.remove(DIGEST);
  await blobs.remove(DIGEST);
  expect(await all()).toEqual([]);
  const loose = join(layout.incoming, "1-1");
  writeFileSync(loose, BYTES);
  await blobs.adopt(loose, DIGEST);
  expect(await blobs.read(DIGEST)).toEqual(BYTES);
});

test("what a crash left half-written goes at the next start, and nothing else", async () => {
  await blobs.put(DIGEST, BYTES);
  const incoming = await blobs.begin();
  await incoming.write(BYTES);
  emptyIncoming(openLayout(layout.root));
  expect(readdirSync(layout.incoming)).toEqual([]);
  expect(await all()).toEqual([DIGEST]);
  await incoming.abandon().catch(() => {}); // its file is gone; this closes it
});

test("refused bytes are kept until they are too many, also after a restart", async () => {
  const evidence = () =>
    readdirSync(layout.evidence, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    ).length;
  const refuse = async (to: ReturnType<typeof openBlobs>, text: string) => {
    const bytes = Buffer.from(text);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const incoming = await to.begin();
    await incoming.write(bytes);
    await incoming.condemn(digest);
    await incoming.abandon();
    await to.condemn(digest, bytes); // the same bytes once more take no room
  };
  const first = openBlobs(layout, 25);
  await refuse(first, "0123456789");
  await refuse(first, "abcdefghij");
  await refuse(first, "too many by now");
  expect(evidence()).toBe(2);
  const second = openBlobs(layout, 25);
  await refuse(second, "too many still");
  await refuse(second, "five!");
  expect(evidence()).toBe(3);
  expect(readdirSync(layout.incoming)).toEqual([]);
});
