import { expect, test } from "bun:test";
import { crc32, gzipSync } from "node:zlib";
import type { RandomAccess } from "../core/artifact.ts";
import { end, type Part, pax, tar, tarPart, type ZipPart, zip } from "./testdata/archives.ts";
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

// What follows was tried with Info-ZIP's unzip 6.0, and with ZipArchive and PharData of PHP 8.2: they unpack the two differently.
function unicodePath(name: string, path: string): Buffer {
  const extra = Buffer.alloc(9 + path.length);
  extra.writeUInt16LE(0x7075, 0);
  extra.writeUInt16LE(5 + path.length, 2);
  extra.writeUInt8(1, 4);
  extra.writeUInt32LE(crc32(Buffer.from(name)), 5);
  extra.write(path, 9);
  return extra;
}

function signed(part: Buffer, change: (block: Buffer) => void): Buffer {
  change(part);
  part.write("        ", 148);
  const sum = part.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  part.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([part, end]);
}

/** The name's X is another byte. */
const renamed = (byte: number) =>
  signed(tarPart(file("X.php", "1")), (block) => {
    block[0] = byte;
  });
const zipNamed = (byte: number) => {
  const made = zip(file("X.php", "1"));
  for (let at = made.indexOf("X.php"); at >= 0; at = made.indexOf("X.php", at + 1)) made[at] = byte;
  return made;
};
const path = (name: string) => ({ name: "x", flag: "x", text: pax({ path: name }) });

const pairs: [what: string, one: Buffer, other: Buffer][] = [
  [
    "a link, by the mode of another system than Unix",
    zip({ ...file("a", "../x"), foreign: true }),
    zip({ ...file("a", "../x"), system: 16, mode: 0o120777 }),
  ],
  [
    "an executable, by the mode of another system than Unix",
    zip({ ...file("a", "1"), foreign: true }),
    zip({ ...file("a", "1"), system: 16, mode: 0o100755 }),
  ],
  [
    "another name in an extra field",
    zip(file("t/a", "1")),
    zip({ ...file("t/a", "1"), extra: unicodePath("t/a", "t/b") }),
  ],
  ["names that are the same character in two encodings", zip(file("é.php", "1")), zipNamed(0xe9)],
  [
    "a backslash, which some systems write for a slash",
    zip({ ...file("a\\b", "1") }),
    zip({ ...file("a\\b", "1"), foreign: true }),
  ],
  [
    "an empty folder beside the one that all stands in",
    zip(file("t/a", "1")),
    zip(file("t/a", "1"), { name: "u/", mode: 0o40755 }),
  ],
  ["names that are no text", renamed(0xfe), renamed(0xff)],
  ["names of a zip that are no text", zipNamed(0xfe), zipNamed(0xff)],
  [
    "names that only some readers take from extended headers",
    tar(file("a", "1"), file("b", "2")),
    tar(path("a"), file("b", "1"), path("b"), file("a", "2")),
  ],
  [
    "GNU's header read as POSIX's",
    tar(file("a", "1")),
    signed(tarPart({ ...file("a", "1"), prefix: "b" }), (block) => block.write("ustar  \0", 257)),
  ],
];

for (const [what, one, other] of pairs)
  test(`archives that readers unpack differently have two digests: ${what}`, async () =>
    expect(await digest(one)).not.toBe(await digest(other)));

/** The first entry is said to be stored in the header before its bytes. */
function twoFaced(): Buffer {
  const made = zip(file("a", "<?php // some text"));
  const size = made.readUInt32LE(18);
  made.writeUInt16LE(0, 8);
  made.writeUInt32LE(crc32(made.subarray(31, 31 + size)), 14);
  made.writeUInt32LE(size, 22);
  return made;
}

/** `second` stands behind `first`, as its comment; `cut`: its own comment is longer than what is there. */
function twoZips(cut: boolean): Buffer {
  const [first, second] = [zip(file("a", "1")), zip(file("a", "2"))];
  const directory = second.readUInt32LE(second.length - 6);
  second.writeUInt32LE(first.length, directory + 42);
  second.writeUInt32LE(first.length + directory, second.length - 6);
  if (cut) second.writeUInt16LE(0xffff, second.length - 2);
  first.writeUInt16LE(second.length, first.length - 2);
  return Buffer.concat([first, second]);
}

/** A zip whose offsets count from the start of what stands before. */
function behind(before: Buffer): Buffer {
  const made = zip(file("a", "2"));
  const directory = made.readUInt32LE(made.length - 6);
  made.writeUInt32LE(before.length, directory + 42);
  made.writeUInt32LE(before.length + directory, made.length - 6);
  return Buffer.concat([before, made]);
}

const two = [tarPart(file("a", "1")), Buffer.concat([tarPart(file("b", "1")), end])];
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
  ["a file with the mode of a folder", zip({ ...file("a", "1"), mode: 0o40644 }, file("b", "1"))],
  ["a zip whose two headers say two things", twoFaced()],
  ["two zips in one, the last with a comment that is cut", twoZips(true)],
  ["two zips in one", twoZips(false)],
  ["a zip at the end of a tar", behind(tar(file("a", "1")))],
  ["a tar that begins like a zip, with a zip at its end", behind(tar(file("PKa", "1")))],
  ["gzip data of two parts", Buffer.concat(two.map((part) => gzipSync(part)))],
  ["a link with bytes of its own", tar({ name: "a", flag: "2", target: "b", text: "x" })],
  ["a path that is too deep", zip(file(`${"a/".repeat(300)}b`, "1"))],
  [
    "a path that is too long",
    tar({ name: "L", flag: "L", text: "a".repeat(5000) }, file("a", "1")),
  ],
  ["a link with something in it", zip({ ...file("a", "b"), mode: 0o120777 }, file("a/b", "1"))],
  ["what leads out of it", zip(file("t/../../a", "1"))],
  ["a NUL in a name", tar({ name: "x", flag: "x", text: pax({ path: "a\0b" }) }, file("a", "1"))],
];

for (const [what, bytes] of bad)
  test(`${what} has no digest`, () =>
    expect(digest(bytes)).rejects.toMatchObject({ kind: "malformed" }));

test("a tar.gz that unpacks to far more than it is has no digest", () => {
  const bomb = gzipSync(tar({ name: "a", text: "\0".repeat(80 * 2 ** 20) }), { level: 9 });
  expect(digest(bomb)).rejects.toThrow("far more");
});
