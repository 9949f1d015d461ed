// Where an index is cut, and what is packed again when a package comes.
import { expect, test } from "bun:test";
import { decompressed } from "../../../archive/decompress.ts";
import type { StoredBytes } from "../../../core/task.ts";
import { blocksOf, createPack, pack } from "./pack.ts";

const paragraph = (at: number, version = "1.0-1") =>
  `Package: shell${at}\nVersion: ${version}\nMaintainer: Zoë <zoe@example.test>\nFilename: pool/main/s/shell${at}/shell${at}_${version}_amd64.deb\nDescription: the shell ${at} of the private sea\n\n`;
const textOf = (all: readonly string[]) => Buffer.from(all.join(""));
const many = Array.from({ length: 12_000 }, (_, at) => paragraph(at));

test("blocks are the text in its order, none too small but the last, each whole paragraphs", () => {
  const text = textOf(many);
  const blocks = [...blocksOf(text)];
  expect(blocks.length).toBeGreaterThan(3);
  expect(Buffer.concat(blocks).equals(text)).toBe(true);
  for (const block of blocks) expect(block.toString().endsWith("\n\n")).toBe(true);
  for (const block of blocks.slice(0, -1)) expect(block.length).toBeGreaterThanOrEqual(128 * 1024);
  for (const block of blocks) expect(block.length).toBeLessThan(1024 * 1024 + 1000);
});

test("a text without an end of a paragraph is one block, and no text none", () => {
  expect([...blocksOf(Buffer.from("Package: shell\n"))]).toHaveLength(1);
  expect([...blocksOf(Buffer.alloc(0))]).toEqual([]);
});

/** What the worker is asked to do is done at once. */
function packing() {
  const asked: string[] = [];
  const own = {
    async work(task: string, options: { what: string }) {
      asked.push(`${task} ${options.what}`);
      return pack({ options, files: [] as StoredBytes[], write: async () => {} });
    },
  };
  return { asked, pack: createPack({ own: () => own as never }) };
}

async function unpacked(file: Uint8Array): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  async function* once() {
    yield file;
  }
  for await (const chunk of decompressed("Packages.xz", once(), 2 ** 30)) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

test("where one package comes, one block is packed anew, and the file is the one that a server makes of all at once", async () => {
  const before = packing();
  await before.pack("Packages", textOf(many));
  const all = before.asked.length;
  expect(all).toBeGreaterThan(3);
  const more = textOf([...many.slice(0, 5000), paragraph(5000, "2.0-1"), ...many.slice(5000)]);
  const file = await before.pack("Packages", more);
  // The end of a block may be another one then, and the next block's beginning with it.
  expect(before.asked.length - all).toBeLessThan(3);
  expect((await unpacked(file)).equals(more)).toBe(true);
  expect(Buffer.from(await packing().pack("Packages", more)).equals(file)).toBe(true);
});

test("an empty index is an empty file", async () => {
  const { asked, pack: packed } = packing();
  expect((await unpacked(await packed("Packages", Buffer.alloc(0)))).length).toBe(0);
  expect(asked).toEqual([]);
});
