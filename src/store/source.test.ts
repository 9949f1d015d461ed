import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileSource, gunzipUpTo, memorySource } from "./source.ts";

const TEXT = "one line\n".repeat(1000);
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "holdfast-source-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function read(bytes: Uint8Array): Promise<string> {
  const path = join(root, "file");
  writeFileSync(path, bytes);
  return fileSource(path, "gzip", null, 1 << 20).text();
}

test("a gzip file is read whole", async () => {
  expect(await read(gzipSync(TEXT))).toBe(TEXT);
  expect(Buffer.from(gunzipUpTo(gzipSync(TEXT), 1 << 20)!).toString()).toBe(TEXT);
});

const packed = gzipSync(TEXT);
const broken: [what: string, bytes: Uint8Array][] = [
  ["cut short", packed.subarray(0, -20)],
  // RFC 1952 §2.2 allows it; our decoders end after the first, and half a list of versions is a list.
  ["of two members", Buffer.concat([packed, gzipSync("two")])],
  ["something else", Buffer.from("<html>this is a login page</html>")],
];
for (const [what, bytes] of broken)
  test(`gzip that is ${what} is refused, not read in part`, async () => {
    await expect(read(bytes)).rejects.toMatchObject({ kind: "malformed" });
    expect(() => gunzipUpTo(bytes, 1 << 30)).toThrow("not whole gzip data");
  });

test("a document that nests without end is not parsed", () => {
  const deep = Buffer.from(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  expect(memorySource(deep).json()).rejects.toMatchObject({ kind: "malformed" });
});

test("gzip data that says less of its size than it has is refused for the price of what it says", () => {
  const packed = Buffer.from(gzipSync(Buffer.alloc(256 * 2 ** 20)));
  packed.writeUInt32LE(1000, packed.length - 4);
  const before = process.memoryUsage().rss;
  expect(() => gunzipUpTo(packed, 400_000)).toThrow("not whole gzip data");
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
});
