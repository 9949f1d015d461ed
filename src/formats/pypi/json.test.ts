import { expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { fileJson, hashesOf, integrityOf, readFile, readHashes, readProjectJson } from "./json.ts";

const file = (more: Record<string, unknown> = {}) => ({
  filename: "six-1.0.zip",
  url: "https://files.example.test/six-1.0.zip",
  hashes: { sha256: "ab".repeat(32) },
  ...more,
});
const read = (value: unknown) => readProjectJson(value, "six", "simple/six/");

const strangers: unknown[] = [
  null,
  [],
  "files",
  {},
  { error: "log in" },
  { files: {} },
  { files: [null] },
  { files: [file({ filename: "../six-1.0.zip" })] },
  { files: [file({ filename: "" })] },
  { files: [file({ filename: 1 })] },
  { files: [file({ filename: "\ud800.zip" })] },
  { files: [file({ url: null })] },
  { files: [file({ url: "javascript:alert(1)" })] },
  { files: [file({ hashes: "ab" })] },
  { files: [file({ hashes: { sha256: "ab" } })] },
  { name: "seven", files: [] },
  { meta: { "api-version": "2.0" }, files: [] },
];
for (const value of strangers)
  test(`${JSON.stringify(value)} is no project page`, () =>
    expect(() => read(value)).toThrow(Problem));

test("a page needs no more than files", () => {
  const page = read({ files: [] });
  expect(page).toEqual({ name: "six", versions: null, files: [], status: null, lastSerial: null });
});

test("a file that is named twice counts as named first", () => {
  const page = read({ files: [file({ size: 1 }), file({ size: 2 })] });
  expect(page.files.map(({ size }) => size)).toEqual([1]);
});

test("PEP 792's two spellings of the status are read", () => {
  const status = { status: "archived", reason: "old" };
  expect(read({ files: [], "project-status": status }).status).toEqual(status);
  const state = { state: "deprecated" };
  expect(read({ files: [], "project-status": state }).status?.status).toBe("deprecated");
});

const metadata: [entry: Record<string, unknown>, want: unknown][] = [
  [{}, null],
  [{ "core-metadata": false, "dist-info-metadata": true }, false],
  [{ "dist-info-metadata": true }, true],
  [{ "data-dist-info-metadata": { sha256: "cd".repeat(32) } }, { sha256: "cd".repeat(32) }],
  [{ "core-metadata": {} }, true],
  [{ "core-metadata": "yes" }, null],
];
for (const [entry, want] of metadata)
  test(`core metadata of ${JSON.stringify(entry).slice(0, 60)}`, () =>
    expect(readFile(file(entry), "").coreMetadata).toEqual(want as never));

const yanked: [value: unknown, want: boolean | string][] = [
  [undefined, false],
  [null, false],
  [false, false],
  ["", false],
  [true, true],
  ["why", "why"],
];
for (const [value, want] of yanked)
  test(`yanked: ${JSON.stringify(value)}`, () =>
    expect(readFile(file({ yanked: value }), "").yanked).toBe(want));

test("numbers and texts of the wrong kind are as if they were not there", () => {
  const odd = file({ size: -1, "upload-time": 5, "requires-python": [], "gpg-sig": "x" });
  expect(readFile(odd, "")).toMatchObject({
    size: null,
    uploadTime: null,
    requiresPython: null,
    gpgSig: null,
  });
});

test("hashes become an integrity, the strongest first, and come back", () => {
  const hashes = readHashes(
    { md5: "0A".repeat(16), sha256: "ab".repeat(32), blake2b_256: "cd".repeat(32), __proto__x: 1 },
    "x",
  );
  const integrity = integrityOf(hashes);
  expect(integrity).toMatch(/^sha256-\S+ md5-\S+$/);
  expect(hashesOf(integrity)).toEqual({ sha256: "ab".repeat(32), md5: "0a".repeat(16) });
  expect(integrityOf({})).toBeNull();
  expect(hashesOf(null)).toEqual({});
  expect(hashesOf("h1-AAAA")).toEqual({});
});

test("an entry that cannot be used is left out and told, and what it does not need is only left out of it", () => {
  const skipped: string[] = [];
  const named = (version: string, changes = {}) =>
    file({ filename: `six-${version}.zip`, ...changes });
  const page = readProjectJson(
    {
      files: [
        named("1", { hashes: { sha256: null, md5: "" } }),
        named("2", { hashes: { sha256: "None" } }),
        named("3", { "core-metadata": { sha256: "xyz" } }),
        named("4", { url: "file:///six.zip" }),
        named("5", { url: undefined }),
        named("6", { filename: null }),
        named("7", { hashes: { sha256: "abc" } }),
        null,
        named("8"),
      ],
    },
    "six",
    "simple/six/",
    ({ what, why }) => skipped.push(`${what}: ${why}`),
  );
  expect(page.files.map(({ filename, hashes }) => [filename, Object.keys(hashes)])).toEqual([
    ["six-1.zip", []],
    ["six-2.zip", []],
    ["six-3.zip", ["sha256"]],
    ["six-8.zip", ["sha256"]],
  ]);
  expect(page.files[2]?.coreMetadata).toBeNull();
  expect(skipped).toEqual([
    "six-4.zip: The URL of six-4.zip cannot be fetched",
    "six-5.zip: The URL of six-5.zip cannot be fetched",
    "a file without a name: A file of the project page has no usable name",
    "six-7.zip: The sha256 of six-7.zip is no sha256",
    "a file without a name: A file of the project page is no object",
  ]);
});

test("fileJson() and readFile() are each other's inverse", () => {
  const full = readFile(
    file({
      "requires-python": ">=3",
      size: 5,
      "upload-time": "2020-01-01T00:00:00Z",
      yanked: "why",
      "core-metadata": { sha256: "cd".repeat(32) },
      "gpg-sig": false,
      provenance: "https://index.example.test/p",
    }),
    "simple/six/",
  );
  expect(readFile(fileJson(full, full.location, full.provenance), "")).toEqual(full);
});

test("no JSON makes the reader throw anything but a Problem", () => {
  let state = 691;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * below);
  };
  const keys = Object.keys(file({ yanked: 1, "core-metadata": 1, size: 1, "upload-time": 1 }));
  const odd = [
    null,
    true,
    0,
    -1,
    Number.POSITIVE_INFINITY,
    "",
    "x",
    "__proto__",
    "..",
    "/",
    "\ud800",
    [],
    {},
    [[]],
  ];
  for (let round = 0; round < 5_000; round += 1) {
    const entry: Record<string, unknown> = file();
    for (let changes = next(3); changes >= 0; changes -= 1)
      entry[keys[next(keys.length)]!] = odd[next(odd.length)];
    try {
      read({ meta: odd[next(odd.length)], versions: odd[next(odd.length)], files: [entry] });
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
    }
  }
});
