import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Problem } from "../../core/problem.ts";
import { memorySource } from "../../store/source.ts";
import { documents, projectRef, releaseRef } from "./documents.ts";
import { readEntry } from "./page.ts";

const load = (name: string) =>
  memorySource(readFileSync(`${import.meta.dirname}/testdata/${name}`));
const ref = projectRef("sample-project", { simplePath: "simple/" });
const sri = (algorithm: string, hex: string) =>
  `${algorithm}-${Buffer.from(hex, "hex").toString("base64")}`;

test("facts name every file and every sidecar that the page promises", async () => {
  expect(await documents.project.facts(load("sample.json"), ref)).toEqual([
    {
      file: "sample_project-1.0-py3-none-any.whl",
      version: "1.0",
      integrity: sri("sha256", "a".repeat(64)),
      location: "https://files.example.test/packages/aa/sample_project-1.0-py3-none-any.whl",
      publishedAt: "2015-06-14T14:38:05.875222Z",
      traits: { attested: true },
    },
    {
      file: "sample_project-1.0-py3-none-any.whl.metadata",
      version: "1.0",
      integrity: sri("sha256", "b".repeat(64)),
      location:
        "https://files.example.test/packages/aa/sample_project-1.0-py3-none-any.whl.metadata",
    },
    {
      file: "Sample.Project-1.0.tar.gz",
      version: "1.0",
      integrity: `${sri("sha256", "c".repeat(64))} ${sri("md5", "e".repeat(32))}`,
      location: "packages/Sample.Project-1.0.tar.gz",
      publishedAt: "2015-06-14T14:37:56.383366Z",
      traits: {},
    },
    {
      file: "Sample.Project-1.0.tar.gz.asc",
      version: "1.0",
      integrity: null,
      location: "packages/Sample.Project-1.0.tar.gz.asc",
    },
    {
      file: "sample_project-2.0+local.1-py3-none-any.whl",
      version: "2.0+local.1",
      integrity: null,
      location: "/packages/sample_project-2.0%2Blocal.1-py3-none-any.whl?signature=a&b=c",
      traits: {},
    },
    {
      file: "sample_project-2.0+local.1-py3-none-any.whl.metadata",
      version: "2.0+local.1",
      integrity: null,
      location: "/packages/sample_project-2.0%2Blocal.1-py3-none-any.whl.metadata?signature=a&b=c",
    },
    {
      file: "sample-project-3.0-rc.1.zip",
      version: "3.0rc1",
      integrity: sri("sha512", "a".repeat(64) + "b".repeat(64)),
      location: "https://files.example.test/packages/sample-project-3.0-rc.1.zip",
      publishedAt: "2026-01-01T00:00:00Z",
      traits: {},
    },
  ]);
});

test("an extracted entry is read back as the file that it was", async () => {
  const name = "Sample.Project-1.0.tar.gz";
  const wanted = new Set([name, "missing.zip"]);
  const entries = await documents.project.extract(load("sample.json"), ref, wanted);
  expect(Object.keys(entries)).toEqual([name]);
  const stored: unknown = JSON.parse(JSON.stringify(entries[name]));
  expect(readEntry(stored)).toMatchObject({
    filename: name,
    location: "packages/Sample.Project-1.0.tar.gz",
    size: 3148,
    gpgSig: true,
  });
  for (const other of [null, "text", {}, { filename: "../x", url: "/" }])
    expect(readEntry(other)).toBeNull();
});

const bodies: [name: string, body: string][] = [
  ["nothing", ""],
  ["white space", " \n\t"],
  ["plain text", "Not found"],
  ["a JSON list", "[]"],
  ["broken JSON", '{"files": ['],
  ["a login page", "<form><input type=password></form>"],
];
for (const [name, body] of bodies)
  test(`${name} is malformed`, async () => {
    const source = memorySource(Buffer.from(body));
    await expect(documents.project.facts(source, ref)).rejects.toThrow(Problem);
  });

test("the form is told by the first character, past a byte order mark", async () => {
  const html = "\ufeff \n<!doctype html><title>Links for sample-project</title>";
  expect(await documents.project.facts(memorySource(Buffer.from(html)), ref)).toEqual([]);
  const json = ' \n{"files": []}';
  expect(await documents.project.facts(memorySource(Buffer.from(json)), ref)).toEqual([]);
});

test("a page is parsed once for facts, entries and views", async () => {
  const whole = memorySource(Buffer.from('{"files": []}'));
  let reads = 0;
  const json = () => {
    reads += 1;
    return whole.json();
  };
  const source = { ...whole, json };
  await documents.project.facts(source, ref);
  await documents.project.extract(source, ref, new Set());
  for await (const _ of documents.project.render(
    { ref, source, overlay: {} },
    { variant: "json", base: "" },
  ));
  expect(reads).toBe(1);
});

test("facts of the JSON API have the digests that the project page has", async () => {
  const facts = await documents.release.facts(
    load("release.json"),
    releaseRef("sample-project", null),
  );
  expect(facts).toEqual([
    {
      file: "sample_project-1.0-py3-none-any.whl",
      version: "1.0",
      integrity: `${sri("sha256", "a".repeat(64))} ${sri("md5", "e".repeat(32))}`,
      location: "https://files.example.test/packages/aa/sample_project-1.0-py3-none-any.whl",
      publishedAt: "2015-06-14T14:38:05.875222Z",
      traits: {}, // it tells of no licence
    },
  ]);
});

const releases: unknown[] = [
  [],
  {},
  { info: { name: "other" }, urls: [] },
  { info: {}, urls: {} },
  { info: {}, releases: [] },
  { info: {}, urls: [{ filename: "a/b", url: "https://x.test/" }] },
  { info: {}, urls: [{ filename: "b.zip", url: "data:," }] },
  { info: {}, urls: [{ filename: "b.zip", url: "/b.zip", digests: { sha256: "x" } }] },
];
for (const value of releases)
  test(`${JSON.stringify(value)} is no release`, async () => {
    const source = memorySource(Buffer.from(JSON.stringify(value)));
    await expect(documents.release.facts(source, releaseRef("six", null))).rejects.toThrow(Problem);
  });
