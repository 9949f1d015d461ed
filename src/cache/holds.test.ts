// Naming and removing the same bytes on two servers: whatever the order, what a row names is there.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectGarbage } from "../jobs/gc.ts";
import { type Blobs, openBlobs } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import { openLayout } from "../store/layout.ts";
import { openTestDatabase, twoServers } from "../store/testkit.ts";
import { openViewFiles } from "../store/view-files.ts";
import { createNaming } from "./named.ts";

const bytes = Buffer.from("bytes that two servers know");
const sha256 = createHash("sha256").update(bytes).digest("hex");
const DURABLE = { durable: true };
const DAY = 24 * 60 * 60 * 1000;

let root: string;
let database: Database;
let blobs: Blobs;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-holds-"));
  const layout = openLayout(root);
  database = await openTestDatabase(layout.database);
  blobs = openBlobs(layout);
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

/** `slow`: a removal that stops before it takes the file away, and after that it is under way. */
async function two() {
  const servers = await twoServers(database);
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow: Blobs = {
    ...blobs,
    async remove(digest) {
      reached.resolve();
      await go.promise;
      await blobs.remove(digest);
    },
  };
  return {
    ...servers,
    ours: createNaming(database, blobs, servers.first.leases),
    theirs: createNaming(database, blobs, servers.second.leases),
    slowly: createNaming(database, slow, servers.second.leases),
    reached: reached.promise,
    go: go.resolve,
  };
}

const store = () => blobs.put(sha256, bytes, DURABLE);
const name = () =>
  database.write(
    (
      sql,
    ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
      VALUES ('npm', 'a', 'a.tgz', '1', 'pkg:npm/a@1', ${sha256}, ${bytes.length}, 1, 'u', '/a', 1)`,
  );
const isThere = async () => (await blobs.stat(sha256)) !== null;

test("what one server is about to name the other does not remove", async () => {
  const { ours, theirs } = await two();
  const letGo = await ours.hold(sha256);
  await store();
  expect(await theirs.remove(sha256)).toBe(false);
  await name();
  letGo();
  expect(await theirs.remove(sha256)).toBe(false); // it is named by now
  expect(await isThere()).toBe(true);
});

test("both may name the same bytes at once, and until the last has let go they stay", async () => {
  const { ours, theirs, first } = await two();
  await store();
  const [one, other] = [await ours.hold(sha256), await theirs.hold(sha256)];
  one();
  await ours.hold(sha256).then((letGo) => letGo()); // after what is said of the first
  expect(await ours.remove(sha256)).toBe(false);
  other();
  await theirs.hold(sha256).then((letGo) => letGo());
  while (await first.leases.isTaken(`hold ${sha256}`)) await new Promise(setImmediate);
  expect(await ours.remove(sha256)).toBe(true);
  expect(await isThere()).toBe(false);
});

test("who is about to name what is being removed waits, and stores it again", async () => {
  const { ours, slowly, reached, go } = await two();
  await store();
  const removing = slowly.remove(sha256);
  await reached;
  let isHeld = false;
  const holding = ours.hold(sha256).then((letGo) => {
    isHeld = true;
    return letGo;
  });
  for (let turn = 0; turn < 20; turn += 1) await database.read`SELECT 1 AS one`;
  expect(isHeld).toBe(false);
  go();
  expect(await removing).toBe(true);
  const letGo = await holding;
  expect(await isThere()).toBe(false);
  await store();
  await name();
  letGo();
  expect(await isThere()).toBe(true);
});

test("garbage is collected by both at once, but what one of them is about to name", async () => {
  const { ours, theirs } = await two();
  await store();
  const views = openViewFiles(join(root, "views"));
  const letGo = await ours.hold(sha256);
  const collect = (naming: typeof ours) =>
    collectGarbage({ database, blobs, views, naming }, { now: Date.now() + DAY });
  expect(await collect(theirs)).toMatchObject({ blobs: 0, young: 1 });
  letGo();
  await ours.hold(sha256).then((again) => again());
  const [one, other] = await Promise.all([collect(ours), collect(theirs)]);
  expect(one.blobs + other.blobs).toBeLessThanOrEqual(1);
  expect((await collect(theirs)).blobs + one.blobs + other.blobs).toBe(1);
});

test("a server that was stopped while it named bytes finds that they may have gone, and names nothing", async () => {
  const { ours, theirs, second, die } = await two();
  const letGo = await theirs.hold(sha256);
  await store();
  await die();
  expect(await ours.remove(sha256)).toBe(true);
  await second.nodes.turn();
  const naming = database.write((sql) => letGo.assure(sql));
  await expect(naming).rejects.toThrow("Another server has taken this over");
  letGo();
});

test("a server that was stopped while it removed bytes leaves them, as another may have named them", async () => {
  const { ours, theirs, die } = await two();
  await store();
  const removed = await theirs.alone(sha256, async (isStill) => {
    await die();
    const letGo = await ours.hold(sha256);
    await name();
    letGo();
    return isStill();
  });
  expect(removed).toBe(false);
  expect(await isThere()).toBe(true);
});
