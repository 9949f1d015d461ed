import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  answer,
  artifact,
  bytesOf,
  index,
  openToy,
  request,
  sha256,
  sri,
} from "../cache/testkit.ts";
import { openLogFiles } from "../store/log-files.ts";
import { openViewFiles } from "../store/view-files.ts";
import { collectGarbage, countGarbage } from "./gc.ts";

// L30: what is marked by a row stays, what is young stays, and a dry run removes nothing.

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const NAMED = Buffer.from("named by a row");
const ORPHAN = Buffer.from("left by a crash");
let toy: Awaited<ReturnType<typeof openToy>>;

beforeEach(async () => {
  toy = await openToy();
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: { "a.tgz": sri(NAMED) } }))
      : answer(200, NAMED);
  await bytesOf(await toy.repository.artifact(artifact("a.tgz"), request()));
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  await toy.blobs.put(sha256(ORPHAN), ORPHAN, { durable: false });
});
afterEach(() => toy.close());

function age(path: string, milliseconds: number): void {
  const at = new Date(Date.now() - milliseconds);
  chmodSync(path, 0o644);
  utimesSync(path, at, at);
}

async function everything(): Promise<string[]> {
  const found: string[] = [];
  for await (const digest of toy.blobs.list()) found.push(digest);
  return found;
}

const store = () => ({
  database: toy.database,
  blobs: toy.blobs,
  views: openViewFiles(toy.layout.views),
  naming: toy.naming,
});
const collect = (dryRun: boolean) =>
  (dryRun ? countGarbage : collectGarbage)(store(), { now: Date.now() });

test("only what no row names is removed, and only once it is old", async () => {
  const before = await everything();
  expect(before).toHaveLength(3); // the artifact, the document, the orphan
  for (const digest of before) age(toy.blobPath(digest), 30 * 60 * 1000);
  expect(await collect(false)).toMatchObject({ blobs: 0, young: 1, bytes: 0 });
  expect(await everything()).toEqual(before);

  for (const digest of before) age(toy.blobPath(digest), 2 * HOUR);
  const dry = await collect(true);
  expect(dry).toMatchObject({ blobs: 1, young: 0, bytes: ORPHAN.length });
  expect(await everything()).toEqual(before);

  expect(await collect(false)).toEqual(dry);
  expect(await everything()).toEqual(before.filter((digest) => digest !== sha256(ORPHAN)));
  expect(await collect(false)).toMatchObject({ blobs: 0, young: 0 });
  toy.upstream.away = "offline";
  await toy.restart();
  const kept = await toy.repository.artifact(artifact("a.tgz"), request());
  expect(sha256(await bytesOf(kept))).toBe(sha256(NAMED));
});

test("the append-only log is no garbage, however old it is", async () => {
  const files = ["checkpoint", "key", "tile/0/000.p", "tile/entries/000.p"];
  const log = openLogFiles(toy.layout.log);
  for (const path of files) {
    await log.write(path, path);
    age(join(toy.layout.log, path), 400 * DAY);
  }
  await collect(false);
  for (const path of files) expect(await log.read(path)).toEqual(Buffer.from(path));
});

test("a row that comes while files are listed saves its file", async () => {
  age(toy.blobPath(sha256(ORPHAN)), 2 * HOUR);
  const { database, blobs, views, naming } = store();
  const late = {
    ...blobs,
    async stored(digest: string) {
      const found = await blobs.stored(digest);
      if (digest === sha256(ORPHAN))
        await database.write(
          (
            sql,
          ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size,
            fetched_at, upstream, path) SELECT repository, package, 'late.tgz', version, purl,
            ${digest}, size, fetched_at, upstream, path FROM artifacts`,
        );
      return found;
    },
  };
  await collectGarbage({ database, blobs: late, views, naming }, { now: Date.now() });
  expect(existsSync(toy.blobPath(sha256(ORPHAN)))).toBe(true);
});

test("views go after thirty days and are made again", async () => {
  const { views } = store();
  const view = views.file(["x"], "digest", ["all"]);
  await Bun.write(await view.begin(), Bun.gzipSync("view"));
  await view.finish();
  const all: string[] = [];
  for await (const { path } of views.list()) all.push(path);
  const path = all.find((name) => name.includes(view.etag))!;
  age(path, 29 * DAY);
  expect((await collect(false)).views).toBe(0);
  age(path, 31 * DAY);
  expect((await collect(true)).views).toBe(1);
  expect(existsSync(path)).toBe(true);
  expect((await collect(false)).views).toBe(1);
  expect(existsSync(path)).toBe(false);
  expect(await view.load()).toBeNull();
});

test("what others left among the blobs is not ours to judge", async () => {
  writeFileSync(join(toy.layout.blobs, "README"), "");
  mkdirSync(join(toy.layout.blobs, "ab"), { recursive: true });
  writeFileSync(join(toy.layout.blobs, "ab", ".nfs0001"), "");
  const result = await collectGarbage(store(), { now: Date.now() + 2 * HOUR });
  expect(result.blobs).toBe(1);
  expect(existsSync(join(toy.layout.blobs, "ab", ".nfs0001"))).toBe(true);
});

test("bytes that come again while garbage is collected are young", async () => {
  age(toy.blobPath(sha256(ORPHAN)), 2 * HOUR);
  const { database, ...rest } = store();
  let asked = 0;
  const read = async (text: TemplateStringsArray, ...values: unknown[]) => {
    if (values.includes(sha256(ORPHAN)) && ++asked === 2)
      await rest.blobs.put(sha256(ORPHAN), ORPHAN, { durable: false });
    return database.read(text, ...values);
  };
  const racing = { ...database, read: Object.assign(read, database.read) };
  const options = { now: Date.now() };
  expect((await collectGarbage({ database: racing, ...rest }, options)).young).toBe(1);
  expect(await everything()).toContain(sha256(ORPHAN));
});
