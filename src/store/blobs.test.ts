import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Blobs, openBlobs } from "./blobs.ts";
import { openTestBlobs } from "./bucket-testkit.ts";
import { openDatabase } from "./database.ts";
import { emptyIncoming, fileOf, type Layout, layoutOf, openLayout, tighten } from "./layout.ts";
import { lockData } from "./lock.ts";
import { openOutput, writeGzip } from "./sink.ts";
import { openViewFiles } from "./view-files.ts";

const BYTES = Buffer.from("true to its name");
const DIGEST = createHash("sha256").update(BYTES).digest("hex");
const FETCHED = { durable: false };
let layout: Layout;
let blobs: Blobs;
beforeEach(() => {
  layout = openLayout(join(mkdtempSync(join(tmpdir(), "holdfast-blobs-")), "data"));
  blobs = openTestBlobs(layout);
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
    expect(() => fileOf(layout.blobs, name)).toThrow(TypeError);
    await expect((async () => blobs.stat(name))()).rejects.toThrow(TypeError);
    await expect((async () => blobs.stored(name))()).rejects.toThrow(TypeError);
    await expect((async () => blobs.digest(name))()).rejects.toThrow(TypeError);
    await expect((async () => blobs.local(name))()).rejects.toThrow(TypeError);
    await expect((async () => blobs.read(name))()).rejects.toThrow(TypeError);
    await expect(blobs.put(name, BYTES, FETCHED)).rejects.toThrow(TypeError);
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
  await incoming.commit(DIGEST, FETCHED);
  expect(await blobs.stat(DIGEST)).toMatchObject({ size: BYTES.length });
  expect(await blobs.read(DIGEST)).toEqual(BYTES);
  expect(statSync((await blobs.local(DIGEST))!).mode & 0o222).toBe(0);
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
  await blobs.put(DIGEST, BYTES, FETCHED);
  await blobs.put(DIGEST, BYTES, FETCHED); // the same again
  expect(await all()).toEqual([DIGEST]);
  await blobs.remove(DIGEST);
  await blobs.remove(DIGEST);
  expect(await all()).toEqual([]);
  const loose = join(layout.incoming, "1-1");
  writeFileSync(loose, BYTES);
  await blobs.adopt(loose, DIGEST, FETCHED);
  expect(await blobs.read(DIGEST)).toEqual(BYTES);
});

test("what a crash left half-written goes at the next start, and nothing else", async () => {
  await blobs.put(DIGEST, BYTES, FETCHED);
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
  const refuse = async (to: Blobs, text: string) => {
    const bytes = Buffer.from(text);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const incoming = await to.begin();
    await incoming.write(bytes);
    await incoming.condemn(digest);
    await incoming.abandon();
    await to.condemn(digest, bytes); // the same bytes once more take no room
  };
  const first = openTestBlobs(layout, { evidenceBytes: 25 });
  await refuse(first, "0123456789");
  await refuse(first, "abcdefghij");
  await refuse(first, "too many by now");
  expect(evidence()).toBe(2);
  const second = openTestBlobs(layout, { evidenceBytes: 25 });
  await refuse(second, "too many still");
  await refuse(second, "five!");
  expect(evidence()).toBe(3);
  expect(readdirSync(layout.incoming)).toEqual([]);
});

test("a blob's file on this machine is told where there is one", async () => {
  expect(await blobs.local(DIGEST)).toBeNull();
  await blobs.put(DIGEST, BYTES, FETCHED);
  expect(readFileSync((await blobs.local(DIGEST))!)).toEqual(BYTES);
});

test("what is kept for good is told and read where it is, whatever a copy of it is like", async () => {
  expect(await blobs.stored(DIGEST)).toBeNull();
  expect(await blobs.digest(DIGEST)).toBeNull();
  await blobs.put(DIGEST, BYTES, FETCHED);
  expect(await blobs.stored(DIGEST)).toMatchObject({ size: BYTES.length });
  expect(await blobs.digest(DIGEST)).toBe(DIGEST);
  await blobs.forget(DIGEST);
  expect(await blobs.stat(DIGEST)).toMatchObject({ size: BYTES.length });
  expect(await blobs.digest(DIGEST)).toBe(DIGEST);
  expect(await blobs.read(DIGEST)).toEqual(BYTES);
});

test("what must survive is on the disk before it has its name, and its name before that is told", async () => {
  const steps: string[] = [];
  const synced = openBlobs(layout, {
    async sync(path) {
      const isNamed = await synced.stat(DIGEST);
      steps.push(
        `${path.slice(layout.root.length + 1).replace(/\/\d+-\d+$/, "/…")} ${isNamed ? "after" : "before"}`,
      );
    },
  });
  const wanted = [
    "incoming/… before",
    `blobs/sha256/${DIGEST.slice(0, 2)} after`,
    "blobs/sha256 after",
  ];
  const ways = {
    put: () => synced.put(DIGEST, BYTES, { durable: true }),
    async commit() {
      const incoming = await synced.begin();
      await incoming.write(BYTES);
      await incoming.commit(DIGEST, { durable: true });
    },
    async adopt() {
      const loose = join(layout.incoming, "1-1");
      writeFileSync(loose, BYTES);
      await synced.adopt(loose, DIGEST, { durable: true });
    },
  };
  for (const [way, write] of Object.entries(ways)) {
    await write();
    expect([way, steps.splice(0)]).toEqual([way, wanted]);
    await synced.remove(DIGEST);
  }
  await synced.put(DIGEST, BYTES, FETCHED);
  expect(steps).toEqual([]);
});

test("a durable write that cannot be synced has no name", async () => {
  const failing = openBlobs(layout, { sync: async () => Promise.reject(new Error("EIO")) });
  await expect(failing.put(DIGEST, BYTES, { durable: true })).rejects.toThrow("EIO");
  expect(await all()).toEqual([]);
  expect(readdirSync(layout.incoming)).toEqual([]);
});

test("with the disk's own sync a durable write is kept", async () => {
  await blobs.put(DIGEST, BYTES, { durable: true });
  expect(await blobs.read(DIGEST)).toEqual(BYTES);
});

test("nothing of the data directory is for other users", async () => {
  await blobs.put(DIGEST, BYTES, FETCHED);
  await blobs.condemn("0".repeat(64), BYTES);
  const incoming = await blobs.begin();
  await incoming.write(BYTES);
  const database = await openDatabase(layout.database);
  lockData(layout.lock).release();
  const views = openViewFiles(layout.views);
  const view = views.file(["d"], "digest", ["all"]);
  await writeGzip(await view.begin(), chunks());
  await view.finish();
  const output = openOutput(join(layout.incoming, "task"));
  await output.write("text");
  await output.end();
  const open: string[] = [];
  const entries = readdirSync(layout.root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (statSync(path).mode & 0o077) open.push(path.slice(layout.root.length));
  }
  expect(open).toEqual([]);
  expect(statSync(layout.root).mode & 0o777).toBe(0o700);
  expect(statSync((await blobs.local(DIGEST))!).mode & 0o777).toBe(0o400);
  await incoming.abandon();
  await database.close();
});

async function* chunks() {
  yield "text";
}

test("a data directory of ours that is open to others is closed, once; another folder is left alone", async () => {
  const mode = () => statSync(layout.root).mode & 0o7777;
  chmodSync(layout.root, 0o755);
  expect(tighten(layout.root)).toBeNull(); // nothing of ours says so
  expect(mode()).toBe(0o755);
  await (await openDatabase(layout.database)).close();
  expect(tighten(layout.root)).toBe(
    `The data directory ${layout.root} was open to other users (0755): it is its owner's alone now`,
  );
  expect(mode()).toBe(0o700);
  expect(tighten(layout.root)).toBeNull();
  chmodSync(layout.root, 0o1777);
  expect(tighten(layout.root)).toBeNull();
  expect(mode()).toBe(0o1777);
});

test("where things would stand is told without making them", () => {
  const root = join(layout.root, "none");
  expect(layoutOf(root).blobs).toBe(join(root, "blobs", "sha256"));
  expect(readdirSync(layout.root)).not.toContain("none");
});

test("folders that were removed by hand are made again: nothing is refused for want of one", async () => {
  const other = Buffer.from("other bytes");
  const digest = createHash("sha256").update(other).digest("hex");
  await blobs.condemn(DIGEST, BYTES);
  await blobs.put(DIGEST, BYTES, FETCHED);
  rmSync(layout.evidence, { recursive: true });
  rmSync(layout.blobs, { recursive: true });
  await blobs.condemn(DIGEST, BYTES);
  await blobs.put(DIGEST, BYTES, FETCHED);
  expect(await blobs.read(DIGEST)).toEqual(BYTES);
  expect(existsSync(fileOf(layout.evidence, DIGEST))).toBe(true);
  const anew = openTestBlobs(layout);
  rmSync(layout.evidence, { recursive: true });
  await anew.condemn(digest, other);
  expect(existsSync(fileOf(layout.evidence, digest))).toBe(true);
  rmSync(layout.evidence, { recursive: true });
  await anew.depose(DIGEST, digest);
  expect(existsSync(fileOf(layout.evidence, digest))).toBe(true);
});
