import { expect, test } from "bun:test";
import type { RandomAccess } from "../core/artifact.ts";
import { checkZip } from "./check.ts";
import { readDirectory, readEntry } from "./zip.ts";
import { type NewZipEntry, writeZip } from "./zip-writer.ts";

async function* entriesOf(all: Readonly<Record<string, Buffer[]>>): AsyncGenerator<NewZipEntry> {
  for (const [name, chunks] of Object.entries(all))
    yield {
      name,
      isExecutable: name.endsWith(".sh"),
      chunks: (async function* () {
        yield* chunks;
      })(),
    };
}

async function written(all: Readonly<Record<string, Buffer[]>>): Promise<RandomAccess> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeZip(entriesOf(all))) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return { size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) };
}

test("what is written is read again, large files and small ones, twice the same bytes", async () => {
  const piece = Buffer.alloc(300_000, "some text that is not all the same ");
  const all = {
    "empty.txt": [],
    "söme.txt": [Buffer.from("one "), Buffer.from("two")],
    "run.sh": [Buffer.from("#!/bin/sh\n")],
    "large.bin": Array.from({ length: 9 }, () => piece),
  };
  const file = await written(all);
  await checkZip(file);
  const found: Record<string, Buffer> = {};
  const entries = await readDirectory(file);
  for (const entry of entries) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of readEntry(file, entry)) chunks.push(chunk);
    found[entry.name] = Buffer.concat(chunks);
  }
  expect(found).toEqual(
    Object.fromEntries(Object.entries(all).map(([name, chunks]) => [name, Buffer.concat(chunks)])),
  );
  expect(entries.map(({ mode }) => mode.toString(8))).toEqual([
    "100644",
    "100644",
    "100755",
    "100644",
  ]);
  const again = await written(all);
  expect(await again.read(0, again.size)).toEqual(await file.read(0, file.size));
});

test("more entries than a short number tells", async () => {
  const all = Object.fromEntries(Array.from({ length: 65_536 }, (_, at) => [`${at}.txt`, []]));
  expect(await readDirectory(await written(all))).toHaveLength(65_536);
}, 30_000);

test("a source that fails fails the archive", async () => {
  async function* broken(): AsyncGenerator<NewZipEntry> {
    const chunks = (async function* () {
      yield Buffer.alloc(2 ** 21);
      throw new Error("no more");
    })();
    yield { name: "a", chunks };
  }
  const read = async () => {
    for await (const _ of writeZip(broken()));
  };
  await expect(read()).rejects.toThrow("no more");
});
