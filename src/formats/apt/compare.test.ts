// Which files changed between two generations of an index, by tables.
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import type { Comparison } from "./compare.ts";
import { run } from "./testkit.ts";

const hash = (letter: string) => letter.repeat(64);

/** "path hash package version architecture", with the defaults of `a.deb`. */
function index(lines: string[], hashField = "SHA256"): string {
  return lines
    .map((line) => {
      const [path, digest, name = "a", version = "1", architecture = "all"] = line.split(" ");
      return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: ${path}\nSize: 7\n${hashField}: ${digest}\n`;
    })
    .join("\n");
}

async function compare(before: string, after: string): Promise<Comparison> {
  const options = { old: "binary-all/Packages", new: "binary-all/Packages.gz", folder: "" };
  return (await run<Comparison>("compare", options, [before, gzipSync(after)])).result;
}

const [A, B, C] = [hash("a"), hash("b"), hash("c")];

const table: [
  what: string,
  before: string[],
  after: string[],
  changed: string[],
  added: string[],
  updated?: string[],
][] = [
  ["nothing at all", [], [], [], []],
  ["the same", [`a.deb ${A}`], [`a.deb ${A}`], [], []],
  ["a new file", [`a.deb ${A}`], [`a.deb ${A}`, `b.deb ${B} b`], [], ["b.deb"]],
  ["a file that went", [`a.deb ${A}`, `b.deb ${B} b`], [`a.deb ${A}`], [], []],
  ["a new version", [`a_1.deb ${A} a 1`], [`a_2.deb ${B} a 2`], [], ["a_2.deb"]],
  ["other bytes at a path", [`a.deb ${A}`], [`a.deb ${B}`], ["a.deb"], []],
  ["another version at a path", [`a.deb ${A} a 1`], [`a.deb ${B} a 2`], [], [], ["a.deb"]],
  ["another package at a path", [`a.deb ${A} a 1`], [`a.deb ${B} b 1`], [], [], ["a.deb"]],
  ["the same bytes as another version", [`a.deb ${A} a 1`], [`a.deb ${A} a 2`], [], []],
  [
    "other bytes at a path, of the same version and of another",
    [`a.deb ${A} a 1`],
    [`a.deb ${B} a 2`, `a.deb ${C} a 1`],
    ["a.deb"],
    [],
  ],
  [
    "other bytes of a release, elsewhere",
    [`a.deb ${A}`],
    [`new/a.deb ${B}`],
    ["new/a.deb"],
    ["new/a.deb"],
  ],
  ["a release that moved", [`a.deb ${A}`], [`new/a.deb ${A}`], [], ["new/a.deb"]],
  [
    "the same version of another architecture",
    [`a.deb ${A} a 1 i386`],
    [`b.deb ${B} a 1 amd64`],
    [],
    ["b.deb"],
  ],
  [
    "one of two files of a release stays",
    [`a.deb ${A}`, `b.deb ${B}`],
    [`c.deb ${C}`, `b.deb ${B}`],
    [],
    ["c.deb"],
  ],
  ["one more file of a release", [`a.deb ${A}`], [`a.deb ${A}`, `b.deb ${B}`], [], ["b.deb"]],
  [
    "a path with two hashes, one of which stays",
    [`a.deb ${A}`, `a.deb ${B}`],
    [`a.deb ${B}`],
    [],
    [],
  ],
  ["the right hash after a wrong one", [`a.deb ${A}`], [`a.deb ${B}`, `a.deb ${A}`], [], []],
];

for (const [what, before, after, changed, added, updated = []] of table)
  test(what, async () => {
    const found = await compare(index(before), index(after));
    expect(found.changed.map(({ path }) => path)).toEqual(changed);
    expect(found.total).toBe(changed.length);
    expect(found.added.map(({ path }) => path)).toEqual(added);
    expect(found.updated.map(({ path }) => path)).toEqual(updated);
    expect(found.truncated).toBe(false);
  });

test("a change says what it was and what it is", async () => {
  const found = await compare(index([`ä.deb ${A} ä 1 all`]), index([`ä.deb ${B} ä 1 all`]));
  expect(found.changed).toEqual([
    { path: "ä.deb", package: "ä", version: "1", architecture: "all", before: [A], after: [B] },
  ]);
});

test("a file that is new says what it is", async () => {
  const found = await compare("", index([`ä.deb ${A} ä`]));
  expect(found.added).toEqual([{ path: "ä.deb", package: "ä", version: "1", digest: A }]);
});

test("hashes of two algorithms say nothing of each other", async () => {
  const sha1 = "0".repeat(40);
  const found = await compare(index([`a.deb ${sha1}`], "SHA1"), index([`a.deb ${A}`]));
  expect(found).toMatchObject({ total: 0, added: [] });
  const changed = await compare(
    index([`a.deb ${sha1}`], "SHA1"),
    index([`a.deb ${"1".repeat(40)}`], "SHA1"),
  );
  expect(changed.total).toBe(1);
});

test("files of a source", async () => {
  const sources = (dsc: string, tar: string) =>
    `Package: a\nVersion: 1\nDirectory: pool\nChecksums-Sha256:\n ${dsc} 7 a_1.dsc\n ${tar} 7 a_1.tar.gz\n`;
  const options = { old: "source/Sources", new: "source/Sources", folder: "" };
  const { result } = await run<Comparison>("compare", options, [sources(A, B), sources(C, B)]);
  expect(result.changed).toEqual([
    {
      path: "pool/a_1.dsc",
      package: "a",
      version: "1",
      architecture: "source",
      before: [A],
      after: [C],
    },
  ]);
});

test("many changes are counted and many additions cut", async () => {
  const lines = (count: number, digest: string) =>
    Array.from({ length: count }, (_, n) => `${n}.deb ${digest} p${n}`);
  const found = await compare(index(lines(1500, A)), index(lines(1500, B)));
  expect([found.changed.length, found.total]).toEqual([1000, 1500]);
  const more = await compare("", index(lines(100_001, A)));
  expect([more.added.length, more.truncated]).toEqual([100_000, true]);
});
