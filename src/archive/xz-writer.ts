// Writes .xz files, block by block: what changed in one place is compressed anew in that place alone. https://tukaani.org/xz/xz-file-format.txt
import { crc32 } from "node:zlib";
import { lzma2 } from "./lzma-writer.ts";

/** A part of a file, which is read without those before it. */
export interface XzBlock {
  bytes: Uint8Array;
  /** As the index of the file gives it: without what fills up to four bytes. */
  packed: number;
  /** Of what it holds. */
  size: number;
}

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const END = [0x59, 0x5a];
/** The check is a CRC32. */
const FLAGS = [0x00, 0x01];
const LZMA2 = 0x21;

/** The same bytes always become the same block. */
export function xzBlock(bytes: Uint8Array): XzBlock {
  const header = sealed([0x02, 0x00, LZMA2, 0x01, dictionary(bytes.length), 0x00, 0x00, 0x00]);
  const parts = [header, ...lzma2(bytes)];
  const plain = parts.reduce((sum, { length }) => sum + length, 0);
  parts.push(filling(plain), number(crc32(bytes)));
  return { bytes: Buffer.concat(parts), packed: plain + 4, size: bytes.length };
}

/** The file of these blocks. */
export function xzFile(blocks: readonly XzBlock[]): Uint8Array {
  const index = indexOf(blocks);
  const backward = number(index.length / 4 - 1);
  const footer = Uint8Array.of(...backward, ...FLAGS);
  return Buffer.concat([
    Uint8Array.of(...MAGIC, ...FLAGS),
    number(crc32(Uint8Array.of(...FLAGS))),
    ...blocks.map(({ bytes }) => bytes),
    index,
    number(crc32(footer)),
    footer,
    Uint8Array.of(...END),
  ]);
}

function indexOf(blocks: readonly XzBlock[]): Uint8Array {
  const sizes = blocks.flatMap(({ packed, size }) => [...variable(packed), ...variable(size)]);
  const fields = Uint8Array.of(0x00, ...variable(blocks.length), ...sizes);
  return sealed([...fields, ...filling(fields.length)]);
}

/** With its CRC32 behind it. */
function sealed(bytes: readonly number[]): Uint8Array {
  return Uint8Array.of(...bytes, ...number(crc32(Uint8Array.of(...bytes))));
}

/** 2 or 3 times a power of two, the smallest that holds all. */
function dictionary(size: number): number {
  for (let bits = 0; ; bits++) if ((2 | (bits & 1)) * 2 ** ((bits >> 1) + 11) >= size) return bits;
}

function filling(size: number): Uint8Array {
  return new Uint8Array(-size & 3);
}

function number(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Seven bits in each byte, the lowest first. */
function variable(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
