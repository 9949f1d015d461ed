// The smallest zip: stored files, one after the other. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import { crc32 } from "node:zlib";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END = 0x06054b50;
const VERSION_NEEDED = 20;
const FIRST_OF_JANUARY_1980 = 0x21;

/** What stands alike in a file's own header and in that of the catalog. */
function common(name: Buffer, bytes: Uint8Array): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(VERSION_NEEDED, 0);
  fields.writeUInt16LE(FIRST_OF_JANUARY_1980, 8);
  fields.writeUInt32LE(crc32(bytes), 10);
  fields.writeUInt32LE(bytes.length, 14);
  fields.writeUInt32LE(bytes.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function word(value: number, bytes: 2 | 4 = 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}

export function zip(files: Record<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [];
  const catalog: Buffer[] = [];
  let offset = 0;
  for (const [path, bytes] of Object.entries(files)) {
    const name = Buffer.from(path);
    const fields = common(name, bytes);
    const part = Buffer.concat([word(LOCAL_HEADER), fields, name, bytes]);
    parts.push(part);
    // Comment, disk and attributes: none.
    const rest = [Buffer.alloc(10), word(offset), name];
    catalog.push(Buffer.concat([word(CENTRAL_HEADER), word(VERSION_NEEDED, 2), fields, ...rest]));
    offset += part.length;
  }
  const list = Buffer.concat(catalog);
  const count = word(parts.length, 2);
  const end = [word(END), word(0), count, count, word(list.length), word(offset), word(0, 2)];
  return new Uint8Array(Buffer.concat([...parts, list, ...end]));
}
