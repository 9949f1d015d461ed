import { expect, test } from "bun:test";
import type { Overlay } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { documents } from "./documents.ts";
import { expand } from "./minify.ts";
import inlineGolden from "./testdata/inline.golden.json" with { type: "json" };
import inline from "./testdata/inline.json" with { type: "json" };
import movedGolden from "./testdata/moved.golden.json" with { type: "json" };
import moved from "./testdata/moved.json" with { type: "json" };
import { BASE, collect, jsonSource, problemOf } from "./testdata/repository.ts";
import rewrittenGolden from "./testdata/rewritten.golden.json" with { type: "json" };
import rewritten from "./testdata/rewritten.json" with { type: "json" };

function render(kind: string, key: string, document: unknown, overlay: unknown, variant: string) {
  const ref = { kind, key, package: key, path: "" };
  const stored = { ref, source: jsonSource(document), overlay: overlay as Overlay };
  return collect(documents[kind as "package"].render(stored, { variant, base: BASE }));
}

const cases = [
  [rewritten, rewrittenGolden],
  [moved, movedGolden],
  [inline, inlineGolden],
] as const;

for (const [{ what, kind, name, views, document, overlay }, golden] of cases)
  for (const variant of views)
    test(`${what}: ${variant}`, async () => {
      const want: unknown = golden[variant as keyof typeof golden];
      try {
        const text = await render(kind, name, document, overlay, variant);
        expect(JSON.parse(text)).toEqual(want as never);
        // Sources are where they are: a checkout is not ours to give.
        const dists = text.replaceAll(/"source":\{[^}]*\}/g, "");
        expect(dists).not.toMatch(/(code|satis|composer|mirror)\.example\.test/);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        expect({ problem: error.kind, message: error.message }).toEqual(want as never);
      }
    });

test("what is rendered reads as a document with the same files", async () => {
  const text = await render("package", "reef/coral", rewritten.document, {}, "package");
  const ref = { kind: "package", key: "reef/coral", package: "reef/coral", path: "" };
  const files = async (source: unknown) =>
    (await documents.package.facts(jsonSource(source), ref)).map(({ file }) => file);
  expect(await files(JSON.parse(text))).toEqual(await files(rewritten.document));
  expect(expand(JSON.parse(text).packages["reef/coral"])[2]).not.toHaveProperty("license");
});

test("a document without versions is one", async () => {
  for (const packages of [{ "reef/coral": [] }, [], {}])
    expect(await render("dev", "reef/coral", { packages }, {}, "package")).toBe(
      '{"minified":"composer/2.0","packages":{"reef/coral":[]}}\n',
    );
});

test("a document that nests too deeply to be written is malformed", async () => {
  const depth = 200_000;
  const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const text = `{"packages":{"a/b":[{"version":"1.0.0","extra":${deep}}]}}`;
  expect((await problemOf(render("package", "a/b", text, {}, "package"))).kind).toBe("malformed");
});

const COMMIT = "1111111111111111111111111111111111111111";
const NEWER = "2222222222222222222222222222222222222222";
const SHA1 = "3333333333333333333333333333333333333333";
const zipped = {
  version: "1.0.0",
  dist: { type: "zip", url: "https://code.example.test/1", reference: COMMIT },
};
const fetched = {
  state: "fetched",
  version: "1.0.0",
  integrity: `sha1-${Buffer.from(SHA1, "hex").toString("base64")}`,
  since: "",
  entry: null,
};

async function shown(versions: unknown[], overlay: unknown = {}) {
  const text = await render(
    "package",
    "a/b",
    { packages: { "a/b": versions } },
    overlay,
    "package",
  );
  // biome-ignore lint/suspicious/noExplicitAny: the test knows what it looks at
  return expand(JSON.parse(text).packages["a/b"]) as any[];
}

test("a release that was fetched is shown as that archive, however the upstream packs it now", async () => {
  const want = {
    type: "zip",
    reference: COMMIT,
    shasum: SHA1,
    url: `${BASE}/dists/a/b/1.0.0.0/${COMMIT}.zip`,
  };
  const { dist } = zipped;
  for (const state of ["fetched", "gone"])
    for (const change of [{}, { type: "tar", shasum: COMMIT }, { reference: null }]) {
      const overlay = { [`1.0.0.0/${COMMIT}.zip`]: { ...fetched, state } };
      const [version] = await shown([{ ...zipped, dist: { ...dist, ...change } }], overlay);
      if (state === "fetched" || "type" in change || "reference" in change)
        expect(version.dist).toEqual(want);
    }
});

test("a version that stands in a document twice is the first one", async () => {
  const again = { ...zipped, version: "v1.0", dist: { ...zipped.dist, reference: NEWER } };
  expect(await shown([zipped, again])).toMatchObject([{ version: "1.0.0" }]);
});

test("a normalized version is the version's", async () => {
  const [version] = await shown([{ ...zipped, version_normalized: "2.0.0.0" }]);
  expect(version.version_normalized).toBe("1.0.0.0");
  expect(version.dist.url).toContain("/1.0.0.0/");
});
