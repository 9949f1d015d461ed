// What unpacks to far more than it is costs no more than the limit, whatever it says of its own size.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Problem } from "../core/problem.ts";
import { decompressed } from "./decompress.ts";
import { readTar } from "./tar.ts";

const ZEROS = 64 * 2 ** 20;
const LIMIT = 2 ** 20;
const PIECE = 4 * 2 ** 20;

/** A frame of blocks of 4 MiB of zeros, each a match that reaches into itself. lz4_Frame_format.md */
function lz4(): Buffer {
  const block = 4 * 2 ** 20;
  const length = block - 1 - 5 - 4 - 15;
  const data = Buffer.concat([
    Buffer.from([0x1f, 0, 1, 0]),
    Buffer.alloc(Math.floor(length / 255), 255),
    Buffer.from([length % 255, 0x50, 0, 0, 0, 0, 0]),
  ]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(data.length);
  const blocks = Array(ZEROS / block).fill(Buffer.concat([size, data]));
  return Buffer.concat([
    Buffer.from([4, 0x22, 0x4d, 0x18, 0x60, 0x70, 0]),
    ...blocks,
    Buffer.alloc(4),
  ]);
}

function lying(packed: Buffer): Buffer {
  packed.writeUInt32LE(100, packed.length - 4); // RFC 1952 §2.3.1
  return packed;
}

const testdata = (name: string) => readFileSync(new URL(`testdata/${name}`, import.meta.url));
const zeros = Buffer.alloc(ZEROS);
const bombs: Record<string, Buffer> = {
  gz: gzipSync(zeros),
  "gz that lies about its size": lying(gzipSync(zeros)),
  zst: zstdCompressSync(zeros),
  xz: testdata("zeros.xz"),
  bz2: testdata("zeros.bz2"),
  lzma: testdata("zeros.lzma"),
  lz4: lz4(),
};

async function* pieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 1024) yield bytes.subarray(at, at + 1024);
}

describe("decompression stops at the limit", () => {
  for (const [what, bytes] of Object.entries(bombs))
    test(what, async () => {
      expect(bytes.length).toBeLessThan(ZEROS / 100);
      let [total, largest] = [0, 0];
      const read = async () => {
        for await (const piece of decompressed(`a.${what.split(" ")[0]}`, pieces(bytes), LIMIT)) {
          total += piece.length;
          largest = Math.max(largest, piece.length);
        }
      };
      const error = await read().catch((reason) => reason);
      expect(error).toBeInstanceOf(Problem);
      expect(error.message).toContain(`more than ${LIMIT} bytes`);
      expect(total).toBeLessThanOrEqual(LIMIT);
      expect(largest).toBeLessThanOrEqual(PIECE);
    });
});

test("a tar of nothing but extended headers is given up before they are many", async () => {
  const header = (size: number) => {
    const block = Buffer.alloc(512);
    block.write("x", 0);
    block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
    block.write("        ", 148);
    block.write("x", 156);
    block.write("ustar\x0000", 257);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return block;
  };
  let given = 0;
  async function* endless() {
    for (let at = 0; ; at++) {
      const record = `30 comment${String(at).padStart(8, "0")}=1234567\n`;
      const body = Buffer.from(`${record.length} ${record.slice(3)}`);
      given += 1024;
      yield Buffer.concat([header(body.length), body, Buffer.alloc(512 - body.length)]);
    }
  }
  const read = async () => {
    for await (const _ of readTar(endless()));
  };
  const error = await read().catch((reason) => reason);
  expect(error).toBeInstanceOf(Problem);
  expect(given).toBeLessThan(4 * 2 ** 20);
});
