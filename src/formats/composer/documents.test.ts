import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { DocumentRef, Skipped } from "../../core/document.ts";
import { admit } from "./admit.ts";
import { commitIntegrity } from "./dist.ts";
import {
  devRef,
  documents,
  includeRef,
  listingRef,
  type PackageModel,
  packageRef,
  rootRef,
} from "./documents.ts";
import inline from "./testdata/inline.json" with { type: "json" };
import { FakeRepository, jsonSource, problemOf, textSource } from "./testdata/repository.ts";
import rewritten from "./testdata/rewritten.json" with { type: "json" };

const ref = packageRef("reef/coral", "p2/%package%.json");
const SHA1 = "sha1-q7zN3u/wARIjNEVWZ3iJmqu8zdA="; // of v0.7.0's shasum

test("when a release was made is its author's word, when it was published the registry's", async () => {
  const dist = {
    type: "zip",
    url: "https://code.example.test/zipball/1",
    reference: "1".repeat(40),
  };
  const version = { version: "1.0.0", version_normalized: "1.0.0.0", dist };
  const time = "2024-01-01T00:00:00+00:00";
  const madeAt = "2024-01-01T00:00:00.000Z";
  const published = { "published-time": "2024-02-02T00:00:00+00:00" };
  const publishedAt = "2024-02-02T00:00:00.000Z";
  for (const [told, want] of [
    [{ time }, { madeAt }],
    [
      { time, ...published },
      { madeAt, publishedAt },
    ],
    [{ time: {} }, {}],
  ] as const) {
    const packages = { "reef/coral": [{ ...version, ...told }] };
    const facts = await documents.package.facts(jsonSource({ packages }), ref);
    const { madeAt, publishedAt } = facts.find(({ file }) => file.endsWith(".zip"))!;
    expect({ ...(madeAt && { madeAt }), ...(publishedAt && { publishedAt }) }).toEqual(want);
  }
});

test("the facts of a package are its dists, and its releases by their commits", async () => {
  expect(await documents.package.facts(jsonSource(rewritten.document), ref)).toEqual([
    {
      file: "1.1.0.0/2222222222222222222222222222222222222222.zip",
      version: "v1.1.0",
      traits: { licence: "MIT" },
      integrity: null,
      location: "https://code.example.test/zipball/2222",
      artifact: {
        package: "reef/coral",
        file: "1.1.0.0/2222222222222222222222222222222222222222.zip",
      },
    },
    {
      file: "1.1.0.0",
      version: "v1.1.0",
      traits: { licence: "MIT" },
      integrity: commitIntegrity("2".repeat(40)),
    },
    {
      file: "1.0.0.0/1111111111111111111111111111111111111111.tar",
      version: "v1.0.0",
      traits: {},
      integrity: commitIntegrity("0".repeat(40)), // its shasum, read as what it is
      location: "https://code.example.test/tarball/1111",
      artifact: {
        package: "reef/coral",
        file: "1.0.0.0/1111111111111111111111111111111111111111.tar",
      },
    },
    { file: "1.0.0.0", version: "v1.0.0", traits: {}, integrity: commitIntegrity("1".repeat(40)) },
    {
      file: "0.9.0.0/.rar",
      version: "v0.9.0",
      traits: {},
      integrity: null,
      location: "https://code.example.test/rar",
      artifact: { package: "reef/coral", file: "0.9.0.0/.rar" },
    },
    // The minified form says nothing of their sources: they are those of the version before.
    { file: "0.9.0.0", version: "v0.9.0", traits: {}, integrity: commitIntegrity("1".repeat(40)) },
    {
      file: "0.8.0.0",
      version: "v0.8.0",
      traits: { licence: "BSD" },
      integrity: commitIntegrity("1".repeat(40)),
    },
    {
      file: "0.7.0.0/00eebc45ef7b8b1869739a65583c17fe.zip",
      version: "v0.7.0",
      traits: { licence: "BSD" },
      integrity: SHA1,
      location: "/files/reef/coral-v0.7.0.zip",
      artifact: { package: "reef/coral", file: "0.7.0.0/00eebc45ef7b8b1869739a65583c17fe.zip" },
    },
    {
      file: "0.7.0.0",
      version: "v0.7.0",
      traits: { licence: "BSD" },
      integrity: commitIntegrity("00eebc45ef7b8b1869739a65583c17fe"),
    },
  ]);
});

test("the facts of a document of many packages have each package's name before them", async () => {
  const files = (await documents.root.facts(jsonSource(inline.document), rootRef)).map(
    ({ file }) => file,
  );
  expect(files).toEqual([
    "dock/crane/1.0.0.0/1111111111111111111111111111111111111111.zip",
    "dock/crane/1.0.0.0",
    "dock/crane/dev-main/3333333333333333333333333333333333333333.zip",
    "dock/crane/255c027f185d7fc196a885b26845e948/4444444444444444444444444444444444444444.zip",
    "dock/winch/1.0.0.0/bb.zip",
    "dock/winch/1.0.0.0",
  ]);
});

test("a release is kept as it is, for when its tag moves", async () => {
  const wanted = new Set(["1.0.0.0", "1.0.0.0/1111111111111111111111111111111111111111.tar"]);
  const kept = await documents.package.extract!(jsonSource(rewritten.document), ref, wanted);
  expect(Object.keys(kept)).toEqual(["1.0.0.0"]);
  // In full, although the document says little of it.
  expect(kept["1.0.0.0"]).toMatchObject({
    name: "reef/coral",
    version: "v1.0.0",
    description: "Corals",
  });
  const many = await documents.root.extract!(
    jsonSource(inline.document),
    rootRef,
    new Set(["dock/winch/1.0.0.0", "dock/none/1.0.0.0"]),
  );
  expect(many).toEqual({ "dock/winch/1.0.0.0": inline.document.packages["dock/winch"]["1.0.0"] });
});

const foreign: [what: string, text: string][] = [
  ["a login page", "<html>log in</html>"],
  ["a list", "[1]"],
  ["a document without packages", '{"minified":"composer/2.0"}'],
  ["an error", '{"status":"error","message":"no"}'],
  ["another package", '{"packages":{"other/name":[]}}'],
];

for (const [what, text] of foreign)
  test(`${what} is no document of a package`, async () => {
    for (const type of [documents.package, documents.dev])
      expect((await problemOf(type.facts(textSource(text), ref))).kind).toBe("malformed");
  });

test("documents are where the upstream's packages.json says", () => {
  const url = "https://meta.example.test/p2/%package%.json";
  expect(packageRef("reef/coral", url)).toMatchObject({
    key: "reef/coral",
    package: "reef/coral",
    path: "https://meta.example.test/p2/reef/coral.json",
  });
  expect(devRef("reef/coral", "/p2/%package%.json")).toMatchObject({
    key: "reef/coral",
    package: "reef/coral~dev",
    path: "/p2/reef/coral~dev.json",
  });
});

test("the model of a package knows where the newest commit of a branch is", async () => {
  const model = (await documents.dev.model!({
    ref: devRef("dock/crane", "p2/%package%.json"),
    source: jsonSource({ packages: { "dock/crane": inline.document.packages["dock/crane"] } }),
  })) as PackageModel;
  expect(model.dists.get("dev-main")).toEqual({
    type: "zip",
    part: "3".repeat(40),
    location: "https://satis.example.test/dist/crane-main.zip",
  });
});

test("an include that holds something else, or leads to further ones, is refused", async () => {
  const include = includeRef({ key: "all.json", path: "all.json", sha1: null, sha256: null });
  for (const document of [
    "x",
    { error: "no" },
    { packages: "x" },
    { packages: {}, includes: { "x.json": {} } },
  ])
    expect((await problemOf(documents.include.facts(jsonSource(document), include))).kind).toBe(
      "malformed",
    );
  for (const document of [{}, [], { packages: [] }, { packages: null }, { packages: {} }])
    expect(await documents.include.facts(jsonSource(document), include)).toEqual([]);
});

test("an include is admitted by the digest that packages.json names", async () => {
  const repository = new FakeRepository();
  const text = '{"packages":{}}';
  const sha1 = "6bbce5ef5ce9e7e6cbb8c43a3e2b1f6f1b2ac0e5";
  const good = createHash("sha1").update(text).digest("hex");
  const candidate = (path: string) => ({
    ref: includeRef({ key: "all.json", path, sha1: null, sha256: null }),
    source: textSource(text),
    previous: null,
  });
  repository.store("root", "packages.json", {
    includes: { "a.json": { sha1 }, "b.json": { sha1: good }, "c.json": {} },
  });
  expect((await problemOf(admit(candidate("a.json"), repository))).message).toContain("(sha1)");
  await admit(candidate("b.json"), repository);
  await admit(candidate("c.json"), repository);
  expect((await problemOf(admit(candidate("d.json"), repository))).message).toContain("no longer");
  await admit({ ...candidate("a.json"), ref }, repository);
});

/** What the facts of a document are, by file, and what was left out of it. */
async function read(kind: keyof typeof documents, of: DocumentRef, document: unknown) {
  const skipped: Skipped[] = [];
  const facts = await documents[kind].facts(jsonSource(document), of, (one) => skipped.push(one));
  return { files: facts.map(({ file }) => file), skipped };
}

const dist = { type: "zip", url: "https://code.example.test/x", reference: "aa" };
const FILES = ["1.0.0.0/aa.zip", "1.0.0.0"];
const good = { name: "reef/coral", version: "1.0.0", dist };
const odd: [version: unknown, what: string, why: RegExp][] = [
  [7, "entry 1", /no object/],
  [{ ...good, version: "nonsense" }, "nonsense", /no version/],
  [{ ...good, version: null }, "entry 1", /no version/],
  [{ ...good, name: "other/name" }, "1.0.0", /another package/],
  [{ ...good, dist: "zip" }, "1.0.0", /no type or no URL/],
  [{ ...good, dist: { type: "zip" } }, "1.0.0", /no type or no URL/],
  [{ ...good, source: { type: "git", url: "x" } }, "1.0.0", /source/],
];

for (const [version, what, why] of odd)
  test(`a version is left out and told: ${JSON.stringify(version)}`, async () => {
    const left = { what, why: expect.stringMatching(why) };
    const own = { packages: { "reef/coral": [version, good] } };
    for (const kind of ["package", "dev", "provided"] as const) {
      expect(await read(kind, ref, own)).toEqual({ files: FILES, skipped: [left] });
      const alone = read(kind, ref, { packages: { "reef/coral": [version] } });
      expect((await problemOf(alone)).kind).toBe("malformed");
    }
    const many = { packages: { "reef/coral": [good], "reef/polyp": [version] } };
    const { files, skipped } = await read("root", rootRef, many);
    expect(files).toEqual(FILES.map((file) => `reef/coral/${file}`));
    expect(skipped).toHaveLength(1);
    expect(skipped[0]!.what).toStartWith("reef/polyp ");
    const none = read("root", rootRef, { packages: { "reef/polyp": [version] } });
    expect((await problemOf(none)).kind).toBe("malformed");
  });

test("what PHP writes for nothing is none of what is left out", async () => {
  const empty = { files: [], skipped: [] };
  for (const packages of [null, [], {}, { "reef/coral": null }, { "reef/coral": [null, [], {}] }])
    for (const kind of ["package", "dev", "provided"] as const)
      expect(await read(kind, ref, { packages })).toEqual(empty);
  for (const document of [[], {}]) expect(await read("package", ref, document)).toEqual(empty);
  expect(await read("package", ref, { "security-advisories": [] })).toEqual(empty);
  for (const nothing of [null, [], {}]) {
    const version = { ...good, dist: nothing, source: nothing };
    const { skipped } = await read("package", ref, { packages: { "reef/coral": [version] } });
    expect(skipped).toEqual([]);
  }
});

test("a document of Composer 1 may hold other packages beside its own", async () => {
  const other = { ...good, name: "reef/polyp" };
  const packages = { "reef/polyp": { "1.0.0": other }, any: { x: { ...good, version: "2.0.0" } } };
  const { files, skipped } = await read("provided", ref, { packages });
  expect(files).toEqual(["2.0.0.0/aa.zip", "2.0.0.0"]);
  expect(skipped).toEqual([]);
  const without = read("provided", ref, { packages: { "reef/polyp": [other] } });
  expect((await problemOf(without)).kind).toBe("malformed");
});

test("a list of packages is one, or leads to no further ones", async () => {
  const file = listingRef({ key: "p/all$%hash%.json", path: "p/all.json", sha256: "" });
  const providers = { "reef/coral": { sha256: "0".repeat(64) } };
  for (const document of [[], {}, { providers: [] }, { providers }])
    expect(await documents.listing.facts(jsonSource(document), file)).toEqual([]);
  for (const document of [
    "x",
    { error: 1 },
    { providers: { "reef/coral": {} } },
    { providers, "provider-includes": { "x.json": { sha256: "0".repeat(64) } } },
  ])
    expect((await problemOf(documents.listing.facts(jsonSource(document), file))).kind).toBe(
      "malformed",
    );
});
