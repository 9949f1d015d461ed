import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
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
import { Problem } from "../core/problem.ts";
import { openViewFiles } from "../store/view-files.ts";
import { discard, verify } from "./verify.ts";

const files: Record<string, Buffer> = {
  "a.tgz": Buffer.from("first of two"),
  "b.tgz": Buffer.alloc(200 * 1024, "second of two "),
};
let toy: Awaited<ReturnType<typeof openToy>>;

beforeEach(async () => {
  toy = await openToy();
  const named = Object.entries(files).map(([file, bytes]) => [file, sri(bytes)]);
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: Object.fromEntries(named) }))
      : answer(200, files[path.slice("thing/".length)]!);
  for (const file of Object.keys(files)) await get(file);
});
afterEach(() => toy.close());

const get = async (file: string) =>
  bytesOf(await toy.repository.artifact(artifact(file), request({ path: `/thing/-/${file}` })));
const store = () => ({
  database: toy.database,
  blobs: toy.blobs,
  views: openViewFiles(toy.layout.views),
  naming: toy.naming,
});
const documentBlob = async () =>
  (await toy.database.read`SELECT blob FROM documents WHERE blob IS NOT NULL`)[0].blob as string;

test("a sound store: every file is counted, told as it goes, and none is damaged", async () => {
  const steps: [number, number][] = [];
  const result = await verify(store(), (done, total) => steps.push([done, total]));
  expect(result).toMatchObject({ files: 3, damaged: [] });
  expect(result.bytes).toBeGreaterThan(200 * 1024);
  expect(steps).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
});

test("a file that its disk does not give is told, keeps the others from nothing, and comes again", async () => {
  const bad = sha256(files["a.tgz"]!);
  const fails = new Problem("unusable", "The disk that holds the data directory fails");
  const blobs = {
    ...toy.blobs,
    digest: async (one: string) => {
      if (one === bad) throw fails;
      return toy.blobs.digest(one);
    },
  };
  const result = await verify({ ...store(), blobs }, () => {});
  expect([result.files, result.damaged]).toEqual([
    3,
    [expect.objectContaining({ what: "unreadable", sha256: bad, path: "/thing/-/a.tgz" })],
  ]);
  await discard({ ...store(), blobs }, result);
  expect(await toy.blobs.stat(bad)).toBe(null);
  await discard(
    { ...store(), blobs },
    { ...result, damaged: result.damaged.map((one) => ({ ...one, isHosted: true })) },
  );
});

const damages: [how: string, damage: (path: string) => void, what: "missing" | "altered"][] = [
  ["removed", (path) => rmSync(path), "missing"],
  ["cut", (path) => truncateSync(path, 5), "altered"],
  ["emptied", (path) => writeFileSync(path, ""), "altered"],
  [
    "changed in one bit",
    (path) => {
      const bytes = readFileSync(path);
      bytes[3]! ^= 1;
      writeFileSync(path, bytes);
    },
    "altered",
  ],
];

for (const [how, damage, what] of damages) {
  test(`an artifact that was ${how} is found, and discarded it is fetched again`, async () => {
    const digest = sha256(files["b.tgz"]!);
    chmodSync(toy.blobPath(digest), 0o644);
    damage(toy.blobPath(digest));
    const found = await verify(store(), () => {});
    const { damaged } = found;
    expect(damaged).toEqual([
      {
        sha256: digest,
        what,
        repository: "toy",
        subject: "pkg:toy/thing@1 b.tgz",
        path: "/thing/-/b.tgz",
        isHosted: false,
      },
    ]);
    await discard(store(), found);
    const after = await verify(store(), () => {}); // until it is fetched again it goes on being told
    expect(after.damaged.map(({ sha256: name, what }) => [name, what])).toEqual([
      [digest, "missing"],
    ]);
    expect(await toy.blobs.stat(digest)).toBeNull();
    await toy.restart();
    expect(sha256(await get("b.tgz"))).toBe(digest);
    expect(await verify(store(), () => {})).toMatchObject({ files: 3, damaged: [] });
  });

  test(`a document that was ${how} is found, and discarded it is fetched again`, async () => {
    const digest = await documentBlob();
    chmodSync(toy.blobPath(digest), 0o644);
    damage(toy.blobPath(digest));
    const found = await verify(store(), () => {});
    const { damaged } = found;
    expect(damaged).toMatchObject([{ sha256: digest, what, subject: "index thing", path: null }]);
    await discard(store(), found);
    await toy.restart();
    await toy.repository.view(index, { variant: "all", base: "" }, {});
    expect(await verify(store(), () => {})).toMatchObject({ files: 3, damaged: [] });
  });
}

test("a damaged document is removed and fetched again, and what it knows of vanished files stays", async () => {
  const view = () => toy.repository.view(index, { variant: "all", base: "" }, {});
  const shown = async () => gunzipSync((await view()).body as Uint8Array).toString();
  toy.clock.shift += 61_000;
  const honest = toy.upstream.behave;
  toy.upstream.behave = () =>
    answer(200, JSON.stringify({ files: { "b.tgz": sri(files["b.tgz"]!) } }));
  expect(await shown()).toContain('["a.tgz","gone"');
  const blob = await documentBlob();
  rmSync(toy.blobPath(blob));
  const found = await verify(store(), () => {});
  const { damaged } = found;
  expect(damaged.map(({ what, subject }) => [what, subject])).toEqual([["missing", "index thing"]]);
  await discard(store(), found);
  expect((await verify(store(), () => {})).damaged).toEqual([]);
  await toy.restart();
  expect(await shown()).toMatch(/"a.tgz","gone","sha512-/);
  expect((await verify(store(), () => {})).damaged).toEqual([]);
  toy.upstream.behave = honest;
});

test("a document of a package that the upstream dropped is looked at too, and told for as long as its bytes are lost", async () => {
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => answer(404);
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  expect(await verify(store(), () => {})).toMatchObject({ files: 3, damaged: [] });
  const blob = await documentBlob();
  rmSync(toy.blobPath(blob));
  const lost = [{ sha256: blob, what: "missing", subject: "index thing", path: null }];
  const found = await verify(store(), () => {});
  const { damaged } = found;
  expect(damaged).toMatchObject(lost);
  await discard(store(), found);
  expect((await verify(store(), () => {})).damaged).toMatchObject(lost);
});

test("a view whose bytes were altered is found, and discarded it is rendered again", async () => {
  const file = () => store().views.file(["d"], "digest", ["all"]);
  const views: string[] = [];
  writeFileSync(await file().begin(), "rendered");
  await file().begin();
  const being = file();
  writeFileSync(await being.begin(), "rendered");
  await being.finish();
  for await (const { path } of store().views.list()) if (path.endsWith(".gz")) views.push(path);
  expect((await verify(store(), () => {})).views).toEqual({ files: 1, damaged: [] });
  writeFileSync(views[0]!, "altered!");
  const found = await verify(store(), () => {});
  expect(found.views).toEqual({ files: 1, damaged: views });
  await discard(store(), found);
  expect((await verify(store(), () => {})).views).toEqual({ files: 0, damaged: [] });
  expect(await file().load()).toBeNull();
});
