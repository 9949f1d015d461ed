// UPDATE_GOLDEN=1 writes the golden files; they are reviewed as a diff.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import type { DocumentType, Overlay } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { memorySource } from "../../store/source.ts";
import { documents, projectRef, releaseRef } from "./documents.ts";

const base = "https://packages.example.test/pypi";
const options = { simplePath: "simple/" };
const testdata = (name: string) => `${import.meta.dirname}/testdata/${name}`;
const load = (name: string) => memorySource(readFileSync(testdata(name)));
const text = (content: unknown) => memorySource(Buffer.from(JSON.stringify(content)));

async function render(
  type: DocumentType,
  document: Parameters<DocumentType["render"]>[0],
  variant: string,
): Promise<string> {
  let out = "";
  for await (const chunk of type.render(document, { variant, base }))
    out += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
  return out;
}

function expectGolden(name: string, actual: string): void {
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(testdata(name), actual);
  expect(actual).toBe(readFileSync(testdata(name), "utf8"));
}

const wheel = "sample_project-1.0-py3-none-any.whl";
const first = `sha256-${Buffer.from("1".repeat(64), "hex").toString("base64")}`;
const since = "2026-11-01T10:00:00.000Z";

/** A wheel whose digest changed, one file that is gone with its entry and one without, and sidecars of both. */
const overlay: Overlay = {
  [wheel]: {
    state: "tampered",
    version: "1.0",
    integrity: first,
    since,
    entry: {
      filename: wheel,
      url: `https://files.example.test/first/${wheel}`,
      hashes: { sha256: "2".repeat(64) },
      size: 1111,
      "upload-time": "2015-06-14T00:00:00Z",
      "core-metadata": { sha256: "3".repeat(64) },
      yanked: false,
    },
  },
  [`${wheel}.metadata`]: {
    state: "tampered",
    version: "1.0",
    integrity: `sha256-${Buffer.from("4".repeat(64), "hex").toString("base64")}`,
    since,
    entry: null,
  },
  "Sample.Project-1.0.tar.gz": {
    state: "tampered",
    version: "1.0",
    integrity: first,
    since,
    entry: null,
  },
  "sample_project-0.9-py3-none-any.whl": {
    state: "gone",
    version: "0.9",
    integrity: first,
    since,
    entry: {
      filename: "sample_project-0.9-py3-none-any.whl",
      url: "https://files.example.test/sample_project-0.9-py3-none-any.whl",
      hashes: { sha256: "1".repeat(64) },
      size: 900,
      "upload-time": "2014-01-01T00:00:00Z",
      "requires-python": ">=2",
      "core-metadata": { sha256: "5".repeat(64) },
    },
  },
  "sample_project-0.9-py3-none-any.whl.metadata": {
    state: "gone",
    version: "0.9",
    integrity: null,
    since,
    entry: null,
  },
  "sample-project-0.8.tar.gz": {
    state: "gone",
    version: "0.8",
    integrity: first,
    since,
    entry: null,
  },
};

const sample = { ref: projectRef("sample-project", options), source: load("sample.json") };
const hand = { ref: projectRef("private-tool", options), source: load("private.html") };

for (const [variant, golden] of [
  ["json", "json"],
  ["html", "html"],
  ["json-devpi", "devpi.json"],
  ["html-devpi", "devpi.html"],
] as const) {
  const [kind, ...rest] = golden.split(".").reverse();
  const name = [...rest, "golden", kind].join(".");
  test(`sample.json as ${variant}`, async () => {
    const page = await render(documents.project, { ...sample, overlay: {} }, variant);
    expectGolden(`sample.${name}`, page);
  });
}

test("links lead to the same file from each path that a page has", async () => {
  for (const [path, variant] of [
    ["/pypi/simple/sample-project/", "json"],
    ["/pypi/root/pypi/+simple/sample-project/", "json-devpi"],
    ["/pypi/legacy/+simple/sample-project/", "json-legacy"],
  ] as const) {
    const page = await render(documents.project, { ...sample, overlay: {} }, variant);
    const [file] = JSON.parse(page).files;
    const { pathname } = new URL(file.url, `http://x.test${path}`);
    expect(pathname).toBe(`/pypi/files/sample-project/${encodeURIComponent(file.filename)}`);
  }
});

for (const form of ["json", "html"]) {
  test(`sample.json with what was seen first, as ${form}`, async () =>
    expectGolden(
      `sample.overlay.golden.${form}`,
      await render(documents.project, { ...sample, overlay }, form),
    ));
  test(`private.html as ${form}`, async () =>
    expectGolden(
      `private.golden.${form}`,
      await render(documents.project, { ...hand, overlay: {} }, form),
    ));
}

test("what is rendered is read back as the same files", async () => {
  const json = await render(documents.project, { ...sample, overlay }, "json");
  const html = await render(documents.project, { ...sample, overlay }, "html");
  const facts = (body: string) =>
    documents.project.facts(memorySource(Buffer.from(body)), sample.ref);
  const [fromJson, fromHtml] = [await facts(json), await facts(html)];
  expect(fromHtml.map(({ file }) => file)).toEqual(fromJson.map(({ file }) => file));
  expect(fromHtml.map(({ location }) => location)).toEqual(
    fromJson.map(({ location }) => location),
  );
  expect(fromJson[0]?.location).toBe(`files/sample-project/${wheel}`);
});

test("of a quarantined project nothing is offered, not even what is kept here", async () => {
  const page = {
    meta: { "api-version": "1.4" },
    name: "sample-project",
    versions: ["1.0"],
    "project-status": { status: "quarantined", reason: "malware" },
    files: [{ filename: wheel, url: `https://files.example.test/${wheel}`, hashes: {} }],
  };
  const document = { ref: sample.ref, source: text(page), overlay };
  expect(JSON.parse(await render(documents.project, document, "json"))).toEqual({
    meta: { "api-version": "1.4" },
    name: "sample-project",
    versions: [],
    "project-status": { status: "quarantined", reason: "malware" },
    files: [],
  });
  const html = await render(documents.project, document, "html");
  expect(html).toContain('<meta name="pypi:project-status" content="quarantined">');
  expect(html).not.toContain("<a ");
});

test("a version is listed once, in whatever spelling", async () => {
  const page = { name: "sample-project", versions: ["0.9.0", "1.0-RC1"], files: [] };
  const gone = (file: string) => ({
    [file]: { state: "gone" as const, version: "", integrity: null, since, entry: null },
  });
  const document = {
    ref: sample.ref,
    source: text(page),
    overlay: { ...gone("sample-project-1.0rc1.zip"), ...gone("sample-project-2.0.zip") },
  };
  const shown = JSON.parse(await render(documents.project, document, "json"));
  expect(shown.versions).toEqual(["0.9.0", "1.0-RC1", "2.0"]);
});

test("a file that is named like a property of every object is a file like any other", async () => {
  const names = ["constructor", "__proto__", "toString"];
  const files = names.map((filename) => ({
    filename,
    url: `https://x.test/${filename}`,
    hashes: {},
  }));
  const document = { ref: sample.ref, source: text({ files }), overlay: {} };
  const shown = JSON.parse(await render(documents.project, document, "json"));
  expect(shown.files.map((file: { filename: string }) => file.filename)).toEqual(names);
  const entries = await documents.project.extract(document.source, sample.ref, new Set(names));
  expect(Object.keys(entries)).toEqual(names);
});

test("a page of thousands of files comes in few pieces", async () => {
  const files = Array.from({ length: 5_000 }, (_, at) => ({
    filename: `sample-project-1.${at}.zip`,
    url: `https://files.example.test/sample-project-1.${at}.zip`,
    hashes: { sha256: at.toString(16).padStart(64, "0") },
  }));
  const document = { ref: sample.ref, source: text({ files }), overlay: {} };
  const pieces: string[] = [];
  for await (const chunk of documents.project.render(document, { variant: "json", base }))
    pieces.push(String(chunk));
  expect(pieces.length).toBeLessThan(50);
  expect(JSON.parse(pieces.join("")).files).toHaveLength(5_000);
});

test("the provenance view says where the upstream has it", async () => {
  const document = { ...sample, overlay: {} };
  expect(JSON.parse(await render(documents.project, document, `provenance/${wheel}`))).toEqual({
    provenance: `https://index.example.test/integrity/sample-project/1.0/${wheel}/provenance`,
  });
  const none = await render(documents.project, document, "provenance/Sample.Project-1.0.tar.gz");
  expect(JSON.parse(none)).toEqual({ provenance: null });
  await expect(render(documents.project, document, "provenance/other.whl")).rejects.toThrow(
    Problem,
  );
});

test("release.json keeps everything and points here", async () => {
  const ref = releaseRef("sample-project", "1.0");
  const document = { ref, source: load("release.json"), overlay: {} };
  const shown = JSON.parse(await render(documents.release, document, "json"));
  const sent = JSON.parse(readFileSync(testdata("release.json"), "utf8"));
  const url = `${base}/files/sample-project/${wheel}`;
  sent.urls[0].url = url;
  sent.releases["1.0"][0].url = url;
  expect(shown).toEqual(sent);
});

test("release.json shows the first digest of a file that changed", async () => {
  const ref = releaseRef("sample-project", null);
  const document = { ref, source: load("release.json"), overlay };
  const shown = JSON.parse(await render(documents.release, document, "json"));
  expect(shown.urls[0].digests).toEqual({ sha256: "1".repeat(64) });
  expect(shown.releases["1.0"][0]).not.toHaveProperty("size");
  expect(shown.releases["1.0"][0]).not.toHaveProperty("md5_digest");
});
