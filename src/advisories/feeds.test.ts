import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../test/support/temp.ts";
import { zip } from "../archive/testdata/archives.ts";
import { openFolder } from "../store/folder.ts";
import { openWorld, record, zipOf } from "./testkit.ts";

let world: Awaited<ReturnType<typeof openWorld>>;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const T1 = "2026-01-01T00:00:00Z";
const T2 = "2026-01-02T00:00:00Z";
const T3 = "2026-01-03T00:00:00Z";
const put = (...args: Parameters<typeof record>) =>
  void world.bucket.records.set(args[0], record(...args));
const state = async () => (await world.current.feeds())[0]!;

test("who asks while a feed is read for the first time does not make it unknown for long", async () => {
  put("T-1", T1);
  const asked: Promise<unknown>[] = [];
  world.listening.to = () => void asked.push(world.current.covering("toy"));
  await world.read();
  expect(asked).not.toEqual([]);
  await Promise.all(asked);
  expect(await world.current.covering("toy")).toMatchObject([{ name: "osv", records: 1 }]);
});

test("all of a feed is read once, then what its list of changes names", async () => {
  put("T-1", T1);
  put("T-2", T2);
  expect((await world.read())[0]).toMatchObject({ error: null, taken: { written: 2 } });
  expect(await world.ids()).toEqual(["T-1", "T-2"]);
  world.bucket.asked.length = 0;
  put("T-3", T3, { aliases: ["CVE-2026-1"] });
  await world.read();
  expect(world.bucket.asked).toEqual(["Toys/modified_id.csv", "Toys/T-3.json"]);
  expect(await world.ids()).toEqual(["T-1", "T-2", "T-3"]);
  const [found] = await world.current.byId("CVE-2026-1");
  expect(found).toMatchObject({ id: "T-3", package: "thing", versions: ["1"], feed: "osv" });
  expect(JSON.parse(found!.raw())).toEqual(record("T-3", T3, { aliases: ["CVE-2026-1"] }));
  expect(await state()).toMatchObject({
    records: 3,
    newestAt: "2026-01-03T00:00:00.000Z",
    error: null,
  });
});

test("only the packages of what has changed are named", async () => {
  put("T-1", T1);
  put("T-2", T1, {
    affected: [{ package: { ecosystem: "Toys", name: "Other" }, versions: ["1"] }],
  });
  await world.read();
  world.heard.length = 0;
  await world.read();
  expect(world.heard).toEqual([]);
  put("T-2", T2, {
    affected: [{ package: { ecosystem: "Toys", name: "third" }, versions: ["1"] }],
  });
  const before = world.current.revision("toy", "thing");
  await world.read();
  expect(world.heard.sort()).toEqual(["toy/other", "toy/third"]);
  expect(world.current.revision("toy", "thing")).toBe(before);
});

test("a record that is withdrawn is left out, and told to who asks for it", async () => {
  put("T-1", T1);
  await world.read();
  put("T-1", T2, { withdrawn: T2 });
  await world.read();
  expect(await world.ids()).toEqual([]);
  expect(await world.current.byId("T-1")).toMatchObject([
    { id: "T-1", withdrawnAt: "2026-01-02T00:00:00.000Z" },
  ]);
});

test("a record that has gone goes with the next archive, unless it is there by itself", async () => {
  put("T-1", T1);
  put("T-2", T1);
  put("T-3", T1);
  await world.read();
  world.bucket.records.delete("T-2");
  const lacking = zipOf([record("T-3", T1)]);
  world.bucket.instead.set("Toys/all.zip", () => new Response(lacking));
  world.clock.at += 25 * 3_600_000;
  expect((await world.read())[0]).toMatchObject({ error: null, taken: { removed: 1 } });
  expect(await world.ids()).toEqual(["T-1", "T-3"]);
});

test("an archive that lacks much of what there was is not taken for whole", async () => {
  for (let at = 0; at < 100; at += 1) put(`T-${at}`, T1);
  await world.read();
  for (let at = 0; at < 50; at += 1) world.bucket.records.delete(`T-${at}`);
  world.clock.at += 25 * 3_600_000;
  expect((await world.read())[0]!.error).toContain("lacks 50 of 100 records");
  expect(await world.ids()).toHaveLength(100);
});

test("an old answer does not take a newer record back", async () => {
  put("T-1", T2, { withdrawn: T2 });
  await world.read();
  world.bucket.instead.set("Toys/all.zip", () => new Response(zipOf([record("T-1", T1)])));
  world.clock.at += 25 * 3_600_000;
  await world.read();
  expect(await world.ids()).toEqual([]);
});

describe("what was known still counts when the feed", () => {
  const faults: [string, () => Response | Promise<Response>, RegExp][] = [
    ["answers 503", () => new Response("no", { status: 503 }), /503/],
    ["answers 403", () => new Response("no", { status: 403 }), /403/],
    ["sends a page", () => new Response("<html>"), /Not a usable zip|no time and id/],
    ["is silent", () => new Promise<Response>(() => {}), /silent|answer/],
    [
      "is cut",
      () => new Response(zipOf([record("T-9", T1)]).slice(0, -30)),
      /Not a usable zip|no time and id/,
    ],
  ];
  for (const [what, fault, why] of faults)
    for (const path of ["Toys/all.zip", "Toys/modified_id.csv"])
      test(`${what}: ${path}`, async () => {
        put("T-1", T1);
        await world.read();
        const readAt = (await state()).readAt;
        world.bucket.instead.set(path, fault);
        put("T-2", T2);
        world.clock.at += 25 * 3_600_000;
        expect((await world.read())[0]!.error).toMatch(why);
        expect(await world.ids()).toContain("T-1");
        expect(await state()).toMatchObject({ readAt, error: expect.stringMatching(why) });
      });
});

test("one record that cannot be read hurts no other", async () => {
  const parts = [
    { name: "T-1.json", text: JSON.stringify(record("T-1", T1)) },
    { name: "T-2.json", text: "{" },
    { name: "T-3.json", text: "[]" },
    { name: "T-4.json", text: JSON.stringify({ id: "T-4", modified: "some day" }) },
    { name: "T-5.json", text: JSON.stringify({ id: "../etc", modified: T1 }) },
    { name: "T-6.json", text: JSON.stringify({ ...record("T-6", T1), affected: [null, 7, {}] }) },
    { name: "README.md", text: "hello" },
    { name: "T-7.json", text: JSON.stringify(record("T-7", T1)) },
    { name: "T-8.json", text: JSON.stringify(record("T-8", T1)) },
    { name: "T-9.json", text: JSON.stringify(record("T-9", T1)) },
  ];
  const bytes = Uint8Array.from(zip(...parts));
  // The bytes of T-7 are not those of its sum.
  bytes[Buffer.from(bytes).indexOf("T-7.json") + 20]! ^= 0xff;
  // And two say another size than they have.
  for (const [name, size] of [
    ["T-8.json", 3],
    ["T-9.json", 9000],
  ] as const)
    Buffer.from(bytes.buffer).writeUInt32LE(size, Buffer.from(bytes).lastIndexOf(name) - 46 + 24);
  world.bucket.instead.set("Toys/all.zip", () => new Response(bytes));
  const [reading] = await world.read();
  expect(reading).toMatchObject({ error: null, taken: { skippedInAll: 7 } });
  expect(await world.ids()).toEqual(["T-1"]);
});

test("an archive that unpacks to far more than it is is refused", async () => {
  const part = { name: "T-1.json", text: " ".repeat(70 * 2 ** 20) };
  const bytes = Uint8Array.from(zip(part));
  world.bucket.instead.set("Toys/all.zip", () => new Response(bytes));
  expect((await world.read())[0]!.error).toContain("unpacks to far more");
});

test("a feed that is configured no more is forgotten", async () => {
  put("T-1", T1);
  await world.read();
  world.feeds.use([]);
  await world.read();
  expect(await world.ids()).toEqual([]);
  expect(await world.current.feeds()).toEqual([]);
});

test("a folder is read again when it has changed, and what it lacks is gone", async () => {
  const folder = tempFolder("carried");
  writeFileSync(join(folder, "all.zip"), zipOf([record("T-1", T1)]));
  writeFileSync(join(folder, "MAL-1.json"), JSON.stringify(record("MAL-1", T1)));
  const source = { kind: "folder", folder: openFolder(folder) } as const;
  world.feeds.use([{ name: "gap", source, everyMs: 60_000 }]);
  await world.read();
  expect(await world.ids()).toEqual(["MAL-1", "T-1"]);
  expect((await world.read())[0]!.taken.entries).toBe(0);
  writeFileSync(join(folder, "all.zip"), zipOf([record("T-22", T2)]));
  await world.read();
  expect(await world.ids()).toEqual(["MAL-1", "T-22"]);
});

test("a file of a folder that cannot be read is the folder's trouble, and keeps other feeds from nothing", async () => {
  put("T-1", T1);
  const path = tempFolder("carried");
  writeFileSync(join(path, "MAL-1.json"), JSON.stringify(record("MAL-1", T1)));
  writeFileSync(join(path, "all.zip"), zipOf([record("T-2", T1)]));
  const folder = openFolder(path);
  for (const gone of ["all.zip", "MAL-1.json"]) {
    // It goes after it was listed.
    const list = async () => {
      const files = await folder.list();
      rmSync(join(path, gone), { force: true });
      return files;
    };
    const source = { kind: "folder", folder: { ...folder, list } } as const;
    const bucket = { kind: "bucket", upstream: world.upstream, path: "Toys/" } as const;
    world.feeds.use([
      { name: `gap-${gone}`, source, everyMs: 1 },
      { name: "osv", source: bucket, everyMs: 1 },
    ]);
    const [failed, read] = await world.read();
    expect([failed!.error, read!.error]).toEqual([
      `${join(path, gone)} cannot be read (ENOENT)`,
      null,
    ]);
  }
});

test("what is imported by command is kept beside the feeds", async () => {
  const file = join(tempFolder("carried"), "some.zip");
  writeFileSync(file, zipOf([record("T-1", T1)]));
  expect(await world.bring(file)).toMatchObject({ feed: "imported", taken: { written: 1 } });
  await world.read();
  expect(await world.ids()).toEqual(["T-1"]);
  expect((await world.bring(join(file, "nothing"))).error).toContain("cannot be read");
});

test("what Composer's registry tells is told as any other feed's", async () => {
  const answer = {
    advisories: {
      "acme/kelp": [
        {
          advisoryId: "PKSA-1",
          packageName: "acme/kelp",
          affectedVersions: ">=1.0,<1.2|>=2.0,<=2.3|4.0",
          title: "XSS",
          cve: "CVE-2026-9",
          link: "https://example.test/1",
          reportedAt: "2026-01-01 10:00:00",
          severity: "high",
          sources: [{ name: "GitHub", remoteId: "GHSA-1" }],
        },
      ],
    },
    filter: { malware: { "acme/bad": "*" } },
  };
  world.bucket.instead.set("", () => Response.json(answer));
  const source = { kind: "packagist", upstream: world.upstream } as const;
  world.feeds.use([{ name: "packagist", source, everyMs: 60_000 }]);
  await world.read();
  expect(await world.current.about("php", "acme/kelp")).toMatchObject([
    {
      id: "PKSA-1",
      aliases: ["CVE-2026-9", "GHSA-1"],
      severity: "high",
      versions: ["4.0"],
      ranges: [
        { introduced: "1.0", fixed: "1.2", lastAffected: null },
        { introduced: "2.0", fixed: null, lastAffected: "2.3" },
      ],
      publishedAt: "2026-01-01T10:00:00.000Z",
    },
  ]);
  expect(await world.current.about("php", "acme/bad")).toMatchObject([
    { kind: "malicious", ranges: [{ introduced: "0", fixed: null, lastAffected: null }] },
  ]);
});

test("a registry that tells of nothing any more is in trouble: what it told stays", async () => {
  const answer: { advisories: unknown } = {
    advisories: { "acme/kelp": [{ advisoryId: "PKSA-1", affectedVersions: "<2" }] },
  };
  world.bucket.instead.set("", () => Response.json(answer));
  const source = { kind: "packagist", upstream: world.upstream } as const;
  world.feeds.use([{ name: "packagist", source, everyMs: 1 }]);
  await world.read();
  for (const nothing of [[], {}]) {
    answer.advisories = nothing;
    const [reading] = await world.read();
    expect(reading!.error).toEndWith(
      "tells of nothing, where it told of 1 advisories: that is not taken for all",
    );
    expect(await world.current.about("php", "acme/kelp")).toHaveLength(1);
  }
});
