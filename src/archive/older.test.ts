// bzip2, lzma and lz4, as their own programs write them: whole, several in one file, cut, and damaged.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Problem } from "../core/problem.ts";
import { decompressed } from "./decompress.ts";

const FIXTURES = ["words.bz2", "words.lzma", "words.lz4"];
const bytesOf = (name: string) => readFileSync(new URL(`testdata/${name}`, import.meta.url));

/** What the fixtures hold: long enough for matches, runs and more than one block of lz4. */
function words(): Buffer {
  const list = "apples and pears grow in the sea beside kelp and barnacle 0123456789abcdef\n".split(
    " ",
  );
  let text = "";
  for (let at = 0, seed = 1; at < 4000; at++) {
    seed = (seed * 48_271) % 2_147_483_647;
    text += list[seed % list.length]! + (seed % 3 ? " " : "aaaaaaa");
  }
  return Buffer.from(text);
}

async function read(name: string, bytes: Uint8Array, limit = 2 ** 20): Promise<Buffer> {
  const chunks = (async function* () {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  })();
  const parts: Uint8Array[] = [];
  for await (const chunk of decompressed(name, chunks, limit)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

for (const name of FIXTURES) {
  test(`${name} holds what was put in`, async () => {
    expect((await read(name, bytesOf(name))).equals(words())).toBe(true);
  });

  test(`${name} larger than the limit is refused`, async () => {
    const { length } = words();
    expect((await read(name, bytesOf(name), length)).length).toBe(length);
    const refusal = await read(name, bytesOf(name), length - 1).catch((error) => error);
    expect(refusal).toBeInstanceOf(Problem);
  });

  test(`${name} cut anywhere is refused`, async () => {
    const bytes = bytesOf(name);
    for (let length = 0; length < bytes.length; length += length < 64 ? 1 : 61) {
      const refusal = await read(name, bytes.subarray(0, length)).catch((error) => error);
      expect([length, refusal]).toEqual([length, expect.any(Problem)]);
      expect(refusal.kind).toBe("malformed");
    }
  });

  test(`${name} damaged anywhere ends, with a Problem or with bytes`, async () => {
    const bytes = bytesOf(name);
    for (let at = 0; at < bytes.length; at += 37) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x41;
      const result = await read(name, damaged).catch((error) => error);
      if (!Buffer.isBuffer(result)) expect(result).toBeInstanceOf(Problem);
      // Only bzip2 has a checksum that is looked at.
      else if (name.endsWith("bz2")) expect(result.equals(words())).toBe(true);
    }
  });

  test(`a page in place of ${name} is refused`, async () => {
    const page = Buffer.from("<!DOCTYPE html><html>Please log in</html>");
    const refusal = await read(name, page).catch((error) => error);
    expect(refusal).toBeInstanceOf(Problem);
  });
}

test("bzip2 and lz4 files may hold several streams", async () => {
  for (const name of ["words.bz2", "words.lz4"]) {
    const twice = await read(name, Buffer.concat([bytesOf(name), bytesOf(name)]));
    expect(twice.equals(Buffer.concat([words(), words()]))).toBe(true);
  }
});

test("an lzma file that asks for more memory than anybody needs is refused", async () => {
  const bytes = Buffer.from(bytesOf("words.lzma"));
  bytes.writeUInt32LE(0xffff_ffff, 1);
  const refusal = await read("words.lzma", bytes).catch((error) => error);
  expect(refusal.message).toContain("too much memory");
});

const EMPTY = {
  bz2: Buffer.from("425a683917724538509000000000", "hex"),
  lz4: Buffer.from("04224d1860700000000000", "hex"),
};

test("streams that hold nothing take no memory each: a file of them is read in no time, and what follows is whole", async () => {
  for (const [kind, empty] of Object.entries(EMPTY)) {
    const bytes = Buffer.concat([...Array(100_000).fill(empty), bytesOf(`words.${kind}`)]);
    expect((await read(`words.${kind}`, bytes)).equals(words())).toBe(true);
  }
});
