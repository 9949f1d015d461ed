// Packs the same folder in many ways, as code hosts do over the years: the content stays, the bytes differ. APPNOTE 6.3, POSIX ustar.
import { crc32, deflateRawSync, gzipSync } from "node:zlib";

export interface Entry {
  text: string;
  isExecutable?: boolean;
}

/** By path, without the folder that all of it stands in. */
export type Tree = Record<string, Entry>;

/** `turn` 0 is how it was packed first. Each later one has other times, another order and another compression. */
export interface Packing {
  /** The folder that everything stands in. */
  top: string;
  turn: number;
  /** The commit, told in the zip's comment. */
  comment: string;
}

type Line = [path: string, entry: Entry | null];

/** Folders first, each before what it holds; turned around for every second turn, where zip allows any order. */
function linesOf(tree: Tree, { top, turn }: Packing): Line[] {
  const folders = new Set([`${top}/`]);
  for (const path of Object.keys(tree))
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1))
      folders.add(`${top}/${path.slice(0, at + 1)}`);
  const files = Object.entries(tree).map(([path, entry]): Line => [`${top}/${path}`, entry]);
  if (turn % 2) files.reverse();
  return [...[...folders].map((path): Line => [path, null]), ...files];
}

export function packZip(tree: Tree, packing: Packing): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [path, entry] of linesOf(tree, packing)) {
    const bytes = Buffer.from(entry?.text ?? "");
    const isPacked = entry !== null && packing.turn % 3 !== 1;
    const body = isPacked ? deflateRawSync(bytes, { level: packing.turn ? 1 : 9 }) : bytes;
    const name = Buffer.from(path);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(isPacked ? 8 : 0, 4);
    common.writeUInt16LE(0x6000 + packing.turn, 6);
    common.writeUInt16LE(0x5821 + packing.turn, 8); // 2024-01-01, a day later each turn
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name, body]);
    const tail = Buffer.alloc(14);
    const mode = entry === null ? 0o40755 : entry.isExecutable ? 0o100755 : 0o100644;
    tail.writeUInt32LE(((mode << 16) | (entry === null ? 0x10 : 0)) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.from("PK\x01\x02"), Buffer.from([20, 3]), common, tail, name);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const comment = Buffer.from(packing.comment);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(locals.length, 8);
  end.writeUInt16LE(locals.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, directory, end, comment]);
}

export function packTarGz(tree: Tree, packing: Packing): Buffer {
  const blocks: Buffer[] = [];
  for (const [path, entry] of linesOf(tree, packing)) {
    const bytes = Buffer.from(entry?.text ?? "");
    blocks.push(header(path, entry, bytes.length, packing.turn), bytes);
    blocks.push(Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  const tar = Buffer.concat([...blocks, Buffer.alloc(1024)]);
  return gzipSync(tar, { level: packing.turn ? 1 : 9 });
}

function header(path: string, entry: Entry | null, size: number, turn: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`;
  block.write(path, 0, 100);
  block.write(octal(entry === null || entry.isExecutable ? 0o755 : 0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(1704110400 + 86400 * turn, 12), 136);
  block.write("        ", 148);
  block.write(entry === null ? "5" : "0", 156);
  block.write("ustar\x0000", 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
