// Makes archives for tests.
import { crc32, deflateRawSync } from "node:zlib";

export interface Part {
  name: string;
  text?: string;
  flag?: string;
  target?: string;
  prefix?: string;
  mode?: number;
}

export const end = Buffer.alloc(1024);

export function tar(...parts: Part[]): Buffer {
  return Buffer.concat([...parts.map(tarPart), end]);
}

export function tarPart({ name, text = "", flag = "0", target = "", prefix = "", mode = 0o644 }: Part): Buffer {
  const bytes = Buffer.from(text);
  const block = Buffer.alloc(512);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`;
  block.write(name, 0, 100);
  block.write(octal(mode, 8), 100);
  block.write(octal(bytes.length, 12), 124);
  block.write("        ", 148);
  block.write(flag, 156);
  block.write(target, 157, 100);
  block.write("ustar\x0000", 257);
  block.write(prefix, 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The records of a pax header. */
export function pax(records: Record<string, string>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      let length = rest.length + 1;
      while (`${length}${rest}`.length !== length) length += 1;
      return `${length}${rest}`;
    })
    .join("");
}

export interface ZipPart {
  name: string;
  text?: string;
  mode?: number;
  stored?: boolean;
  /** Number of the system that packed it. APPNOTE 4.4.2.2 */
  system?: number;
  /** Between the name in the directory and what follows. */
  extra?: Uint8Array;
  /** Packed by a system that knows no modes. */
  foreign?: boolean;
}

export function zip(...parts: ZipPart[]): Buffer {
  const locals: Buffer[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const { name, text = "", mode = 0o100644, stored = false, foreign = false, ...more } of parts) {
    const { system = foreign ? 0 : 3, extra = new Uint8Array(0) } = more;
    const bytes = Buffer.from(text);
    const body = stored ? bytes : deflateRawSync(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(stored ? 0 : 8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const tail = Buffer.alloc(14);
    if (!foreign) tail.writeUInt16LE(mode, 8);
    tail.writeUInt32LE(offset, 10);
    locals.push(Buffer.from("PK\x03\x04"), Buffer.from(common), Buffer.from(name), body);
    common.writeUInt16LE(extra.length, 24);
    central.push(Buffer.from("PK\x01\x02"), Buffer.from([20, system]), common, tail, Buffer.from(name), extra);
    offset += 30 + Buffer.byteLength(name) + body.length;
  }
  const directory = Buffer.concat(central);
  const last = Buffer.alloc(22);
  last.write("PK\x05\x06");
  last.writeUInt16LE(parts.length, 8);
  last.writeUInt16LE(parts.length, 10);
  last.writeUInt32LE(directory.length, 12);
  last.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, last]);
}
