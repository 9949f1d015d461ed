import { expect, test } from "bun:test";
import type { Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { documents, packumentRef, versionRef } from "./documents.ts";
import { jsonSource, problemOf, seeded, textSource } from "./testdata/repository.ts";
import scoped from "./testdata/scoped.json" with { type: "json" };

const { packument, version } = documents;
const SHA512 = `sha512-${Buffer.alloc(64, 1).toString("base64")}`;
const SHA1 = `sha1-${Buffer.alloc(20, 1).toString("base64")}`;

for (const tellSize of [true, false])
  test(`the files of a packument${tellSize ? "" : ", streamed"}`, async () => {
    const source = jsonSource(scoped.document, tellSize);
    expect(await packument.facts(source, packumentRef("@scope/tool"))).toEqual([
      {
        file: "tool-1.0.0.tgz",
        version: "1.0.0",
        integrity: "sha1-u/EC1a5zr+LFUyleD7AiMCFvZbE=",
        traits: { scripts: true },
        publishedAt: "2020-01-01T00:00:00.000Z",
      },
      {
        file: "tool-2.0.0.tgz",
        version: "2.0.0",
        integrity: `${SHA512} ${SHA1}`,
        traits: { licence: "MIT", scripts: true, attested: true },
        publishedAt: "2024-01-01T00:00:00.000Z",
      },
      {
        file: "tool-3.0.0-beta.1.tgz",
        version: "3.0.0-beta.1",
        integrity: `sha1-${Buffer.alloc(20, 2).toString("base64")}`,
        traits: { scripts: true },
        location: "https://files.example.test/download/3.0.0-beta.1/package.tgz",
        publishedAt: "2026-10-01T00:00:00.000Z",
      },
    ]);
  });

test("a file that two versions name is one file", async () => {
  const dist = { tarball: "https://registry.example.test/a/-/same.tgz" };
  const source = jsonSource({ name: "a", versions: { "1.0.0": { dist }, "1.0.1": { dist } } });
  expect(await packument.facts(source, packumentRef("a"))).toEqual([
    { file: "same.tgz", version: "1.0.0", integrity: null, traits: {} },
  ]);
});

test("an unpublished package has no files, and is no error", async () => {
  const source = jsonSource({ _id: "a", time: { unpublished: { time: "2026-01-01" } } });
  expect(await packument.facts(source, packumentRef("a"))).toEqual([]);
});

const strangers: [text: string, what: string][] = [
  ["<!doctype html><title>Sign in</title>", "a login page"],
  ["[]", "a list"],
  ["null", "null"],
  ['{"error":"not_found"}', "an error with status 200"],
  ['{"name":"b","versions":{}}', "another package"],
  ['{"versions":{}}', "a nameless one"],
  ['{"name":"a"}', "one without versions"],
  ['{"name":"a","versions":[]}', "one with a list of versions"],
  ['{"name":"a","versions":{}', "half of one"],
];
for (const [text, what] of strangers)
  test(`${what} is malformed, read either way`, async () => {
    for (const tellSize of [true, false]) {
      const source = textSource(text, 5, tellSize);
      const problem = await problemOf(packument.facts(source, packumentRef("a")));
      expect(problem.kind).toBe("malformed");
    }
  });

test("extract keeps the manifest and its date", async () => {
  const files = new Set(["tool-2.0.0.tgz", "tool-3.0.0-beta.1.tgz", "unknown.tgz"]);
  const source = jsonSource(scoped.document, false);
  const kept = await packument.extract!(source, packumentRef("@scope/tool"), files);
  expect(kept).toEqual({
    "tool-2.0.0.tgz": {
      manifest: scoped.document.versions["2.0.0"],
      time: "2024-01-01T00:00:00.000Z",
    },
    "tool-3.0.0-beta.1.tgz": {
      manifest: scoped.document.versions["3.0.0-beta.1"],
      time: "2026-10-01T00:00:00.000Z",
    },
  });
});

test("a version document names one file, and must be what was asked for", async () => {
  const manifest = scoped.document.versions["2.0.0"];
  const ref = versionRef("@scope/tool", "2.0.0");
  expect(ref).toMatchObject({ key: "@scope/tool@2.0.0", path: "@scope%2ftool/2.0.0" });
  const traits = { licence: "MIT", scripts: true, attested: true } as const;
  const integrity = `${SHA512} ${SHA1}`;
  const fact = { file: "tool-2.0.0.tgz", version: "2.0.0", integrity, traits };
  expect(await version.facts(jsonSource(manifest), ref)).toEqual([fact]);
  const files = new Set(["tool-2.0.0.tgz"]);
  const kept = await version.extract!(jsonSource(manifest), ref, files);
  expect(kept).toEqual({ "tool-2.0.0.tgz": { manifest, time: null } });

  const other = version.facts(jsonSource(manifest), versionRef("@scope/tool", "1.0.0"));
  expect((await problemOf(other)).kind).toBe("malformed");
  const whole = version.facts(jsonSource(scoped.document), ref);
  expect((await problemOf(whole)).kind).toBe("malformed");
});

test("any JSON at any place: facts or malformed, never another error", async () => {
  const random = seeded(5);
  const values = [
    null,
    0,
    "x",
    [],
    {},
    [1],
    { a: 1 },
    true,
    "1.0.0",
    { tarball: 5, integrity: {}, shasum: [] },
  ];
  const any = () => values[Math.floor(random() * values.length)];
  const sometimes = (usual: unknown) => (random() < 0.8 ? usual : any());
  let read = 0;
  for (let round = 0; round < 2_000; round++) {
    const dist = sometimes({
      tarball: sometimes("https://x.example.test/a/-/a-1.tgz"),
      signatures: any(),
    });
    const manifest = { name: any(), dist, scripts: any(), attestations: any(), maintainers: any() };
    const versions = { "1.0.0": sometimes(manifest), [String(any())]: any() };
    const document = {
      name: sometimes("a"),
      versions: sometimes(versions),
      time: any(),
      "dist-tags": sometimes({ latest: "1.0.0" }),
    };
    const source: Source = jsonSource(sometimes(document), random() < 0.5);
    const ref = packumentRef("a");
    try {
      await packument.facts(source, ref);
      for (const variant of ["full", "abbreviated/time", "version/1.0.0", "search"])
        for await (const _ of packument.render(
          { ref, source, overlay: {} },
          { variant, base: "" },
        ));
      read++;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      expect(["malformed", "notFound"]).toContain(error.kind);
    }
  }
  expect(read).toBeGreaterThan(20);
});
