// Writes .xz files without compressing: LZMA2 with stored chunks. Same input, same bytes, and no program is needed. https://tukaani.org/xz/xz-file-format.txt
import { crc32 } from "node:zlib";

const FLAGS = Buffer.from([0, 1]); // the check of each block is a CRC32
const CHUNK = 65_536;

export function xz(bytes: Uint8Array): Buffer {
  const header = sealed(Buffer.from([2, 0, 0x21, 1, 0x10, 0, 0, 0])); // 12 bytes, one filter: LZMA2 with a 1 MiB window
  const data = stored(bytes);
  const check = number32(crc32(bytes));
  const unpadded = header.length + data.length + check.length;
  const index = sealed(
    padded(Buffer.concat([Buffer.from([0, 1]), varint(unpadded), varint(bytes.length)])),
  );
  const tail = Buffer.concat([number32(index.length / 4 - 1), FLAGS]);
  return Buffer.concat([
    Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
    sealed(FLAGS),
    header,
    padded(data),
    check,
    index,
    number32(crc32(tail)),
    tail,
    Buffer.from("YZ"),
  ]);
}

/** LZMA2: control 1 begins a window, 2 goes on in it, 0 is the end. */
function stored(bytes: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const part = bytes.subarray(at, at + CHUNK);
    const size = part.length - 1;
    parts.push(Buffer.from([at === 0 ? 1 : 2, size >> 8, size & 255]), Buffer.from(part));
  }
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function sealed(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, number32(crc32(bytes))]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
