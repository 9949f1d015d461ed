import { expect, test } from "bun:test";
import type { Overlay, Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { documents, packumentRef, versionRef } from "./documents.ts";
import { collect, jsonSource, problemOf, textSource } from "./testdata/repository.ts";
import rewrittenGolden from "./testdata/rewritten.golden.json" with { type: "json" };
import rewritten from "./testdata/rewritten.json" with { type: "json" };
import scopedGolden from "./testdata/scoped.golden.json" with { type: "json" };
import scoped from "./testdata/scoped.json" with { type: "json" };
import unpublishedGolden from "./testdata/unpublished.golden.json" with { type: "json" };
import unpublished from "./testdata/unpublished.json" with { type: "json" };

const BASE = "http://here.example.test/npm";
const { packument, version } = documents;

function render(name: string, source: Source, overlay: unknown, variant: string): Promise<string> {
  const ref = packumentRef(name);
  return collect(
    packument.render({ ref, source, overlay: overlay as Overlay }, { variant, base: BASE }),
  );
}

const cases = [
  [scoped, scopedGolden],
  [rewritten, rewrittenGolden],
  [unpublished, unpublishedGolden],
] as const;

for (const [{ name, views, document, overlay, what }, golden] of cases)
  for (const variant of views) {
    const want: unknown = golden[variant as keyof typeof golden];
    // Parsed whole, and read as a stream in pieces of 100 bytes: the same.
    for (const tellSize of [true, false])
      test(`${what}: ${variant}${tellSize ? "" : ", streamed"}`, async () => {
        try {
          const text = await render(name, jsonSource(document, tellSize), overlay, variant);
          expect(JSON.parse(text)).toEqual(want);
          expect(text).not.toContain("registry.example.test");
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          expect({ problem: error.kind, message: error.message }).toEqual(want as never);
        }
      });
  }

const SHA1 = "bbf102d5ae73afe2c553295e0fb02230216f65b1";
const manifest = {
  name: "@s/n",
  version: "1.0.0",
  dist: {
    shasum: SHA1,
    tarball: "https://registry.example.test/@s/n/-/n-1.0.0.tgz",
    signatures: [{ keyid: "k", sig: "s" }, "no signature"],
  },
};

test("a version document renders as the packument's part, and as what a signature speaks of", async () => {
  const ref = versionRef("@s/n", "1.0.0");
  const document = { ref, source: jsonSource(manifest), overlay: {} };
  const shown = await collect(version.render(document, { variant: "version/1.0.0", base: BASE }));
  expect(JSON.parse(shown).dist.tarball).toBe(`${BASE}/@s/n/-/n-1.0.0.tgz`);
  const file = await collect(version.render(document, { variant: "file/n-1.0.0.tgz", base: "" }));
  expect(JSON.parse(file)).toEqual({
    version: "1.0.0",
    integrity: `sha1-${Buffer.from(SHA1, "hex").toString("base64")}`,
    signatures: [{ keyid: "k", sig: "s" }],
    time: null,
  });
  const other = collect(version.render(document, { variant: "version/2.0.0", base: BASE }));
  expect((await problemOf(other)).kind).toBe("notFound");
});

test("a version document whose file has gone from the packument says so", async () => {
  const ref = versionRef("@s/n", "1.0.0");
  const gone = {
    state: "gone",
    version: "1.0.0",
    integrity: null,
    since: "2026-11-20",
    entry: null,
  } as const;
  const document = { ref, source: jsonSource(manifest), overlay: { "n-1.0.0.tgz": gone } };
  const shown = await collect(version.render(document, { variant: "version/1.0.0", base: BASE }));
  expect(JSON.parse(shown).deprecated).toStartWith("Removed upstream (first noticed 2026-11-20)");
});

test("a large packument renders while it is read, in pieces worth sending", async () => {
  const text = "x".repeat(2_000);
  const versions = Array.from({ length: 2_000 }, (_, at) => [`1.0.${at}`, { text, dist: {} }]);
  const document = JSON.stringify({ name: "big", versions: Object.fromEntries(versions) });
  let taken = 0;
  const source = textSource(document);
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.chunks()) {
      taken += chunk.length;
      yield chunk;
    }
  }
  let given = 0;
  let mostHeld = 0;
  const pieces: number[] = [];
  const stored = { ref: packumentRef("big"), source: { ...source, chunks: counted }, overlay: {} };
  for await (const piece of packument.render(stored, { variant: "full", base: BASE })) {
    mostHeld = Math.max(mostHeld, taken - given);
    given += piece.length;
    pieces.push(piece.length);
  }
  expect(given).toBeGreaterThan(document.length);
  expect(mostHeld).toBeLessThan(200_000);
  expect(Math.min(...pieces.slice(0, -1))).toBeGreaterThanOrEqual(16_384);
});

test("a small document that is nested too deeply is malformed before anything is made of it", async () => {
  const tower = `${"[".repeat(400_000)}${"]".repeat(400_000)}`;
  const text = `{"name":"deep","versions":{},"x":${tower}}`;
  expect((await problemOf(render("deep", textSource(text), {}, "full"))).kind).toBe("malformed");
});
