import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import type { RandomAccess } from "../core/format.ts";
import { type Part, tar, type ZipPart, zip } from "./testdata/archives.ts";
import { treeDigest } from "./tree.ts";

function random(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

const digest = (bytes: Uint8Array) => treeDigest(random(bytes));
const file = (name: string, text: string) => ({ name, text });

const files: ZipPart[] = [
  file("top-1234567/composer.json", "{}"),
  file("top-1234567/src/A.php", "<?php // A"),
  { ...file("top-1234567/bin/run", "#!/bin/sh"), mode: 0o100755 },
  { ...file("top-1234567/link", "src/A.php"), mode: 0o120777 },
];
const same: Part[] = [
  { name: "./other/", flag: "5", mode: 0o755 },
  { name: "./other/link", flag: "2", target: "src/A.php", mode: 0o777 },
  { name: "./other/bin/run", text: "#!/bin/sh", mode: 0o775 },
  { name: "./other/src/", flag: "5" },
  { name: "./other/src/A.php", text: "<?php // A", mode: 0o600 },
  { name: "./other/composer.json", text: "{}", mode: 0o664 },
];

const packings: [how: string, bytes: Uint8Array][] = [
  [
    "a zip in another order, not compressed, with folders",
    zip(
      { name: "top-1234567/", mode: 0o40755 },
      ...files.map((part) => ({ ...part, stored: true })).reverse(),
    ),
  ],
  [
    "another top folder",
    zip(...files.map((part) => ({ ...part, name: part.name.replace("1234567", "12345678") }))),
  ],
  [
    "no top folder",
    zip(...files.map((part) => ({ ...part, name: part.name.replace(/^[^/]+\//, "") }))),
  ],
  ["a tar", tar(...same)],
  ["a tar.gz", gzipSync(tar(...same))],
];

for (const [how, bytes] of packings)
  test(`the digest of the same files is the same: ${how}`, async () =>
    expect(await digest(bytes)).toBe(await digest(zip(...files))));

const [composer, source, run, link] = files as [ZipPart, ZipPart, ZipPart, ZipPart];
const others: [what: string, parts: ZipPart[]][] = [
  ["another byte", [composer, { ...source, text: "<?php // B" }, run, link]],
  ["another name", [composer, { ...source, name: "top-1234567/src/B.php" }, run, link]],
  ["another folder", [composer, { ...source, name: "top-1234567/lib/A.php" }, run, link]],
  ["one more", [...files, file("top-1234567/more", "")]],
  ["one less", [composer, source, run]],
  ["nothing executable", [composer, source, { ...run, mode: 0o100644 }, link]],
  ["another target", [composer, source, run, { ...link, text: "src/B.php" }]],
  ["a file in place of a link", [composer, source, run, { ...link, mode: 0o100644 }]],
  ["one beside the top folder", [...files, file("more", "")]],
];

for (const [what, parts] of others)
  test(`the digest of ${what} is another`, async () =>
    expect(await digest(zip(...parts))).not.toBe(await digest(zip(...files))));

test("what is written at the border of two files does not count as what is in them", async () => {
  const one = zip(file("a", "1"), file("b", "2"));
  const other = zip(file("a", "12"), file("b", ""));
  expect(await digest(one)).not.toBe(await digest(other));
});

test("a hard link is the file that it is one of", async () => {
  const linked = tar({ name: "a", text: "x" }, { name: "b", flag: "1", target: "./a" });
  expect(await digest(linked)).toBe(
    await digest(tar({ name: "a", text: "x" }, { name: "b", text: "x" })),
  );
  expect(digest(tar({ name: "b", flag: "1", target: "a" }))).rejects.toMatchObject({
    kind: "malformed",
  });
});

test("a zip from a system without modes has plain files", async () => {
  const plain = [composer, source];
  expect(await digest(zip(...plain.map((part) => ({ ...part, foreign: true }))))).toBe(
    await digest(zip(...plain)),
  );
});

const whole = gzipSync(tar(...same));
const flipped = zip(file("a", "some text"));
flipped[35] = flipped[35]! ^ 1;

const bad: [what: string, bytes: Uint8Array][] = [
  ["nothing", new Uint8Array(0)],
  ["a page", Buffer.from(`<html>${" ".repeat(2000)}</html>`)],
  ["half a tar.gz", whole.subarray(0, whole.length / 2)],
  ["half a zip", zip(...files).subarray(0, 200)],
  ["a zip whose bytes are not what it says", flipped],
  ["a tar of zeros", Buffer.alloc(10_240)],
  ["a path twice", zip(file("a", "1"), file("a", "2"))],
  ["a path twice, spelled in two ways", zip(file("x/a", "1"), file("x//a", "2"))],
  ["a file without a name", tar({ name: "./", text: "x" })],
  ["a device", tar({ name: "a", flag: "3" })],
];

for (const [what, bytes] of bad)
  test(`${what} has no digest`, () =>
    expect(digest(bytes)).rejects.toMatchObject({ kind: "malformed" }));

test("a tar.gz that unpacks to far more than it is has no digest", () => {
  const bomb = gzipSync(tar({ name: "a", text: "\0".repeat(80 * 2 ** 20) }), { level: 9 });
  expect(digest(bomb)).rejects.toThrow("far more");
});
