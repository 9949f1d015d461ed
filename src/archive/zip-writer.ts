// Writes zip archives, entry by entry, the same bytes for the same content: no times, no modes but whether a file can be run. APPNOTE.TXT
import { promisify } from "node:util";
import { crc32, createDeflateRaw, deflateRaw, deflateRawSync } from "node:zlib";

export interface NewZipEntry {
  /** As UTF-8, with slashes. */
  name: string;
  chunks: AsyncIterable<Uint8Array>;
  isExecutable?: boolean;
  /** What it holds is where it leads to. */
  isLink?: boolean;
}

const deflate = promisify(deflateRaw);
/** Entries up to this size are deflated at one go. */
const WHOLE = 2 ** 20;
/** And up to this one without waiting for a thread, which takes longer than they do. */
const SMALL = 64 * 1024;
const VERSION = 20;
const VERSION_64 = 45;
/** Sizes follow the content; the name is UTF-8. */
const FLAGS = 0x0808;
const DEFLATED = 8;
/** The first day that a zip can tell: 1980-01-01. */
const DATE = 0x0021;
const UNIX = 3;
const MOST_ENTRIES = 0xffff;
/** Past that, sizes and offsets would take extensions that are not written. */
export const ZIP_SIZE = 0xffff_ff00;

interface Written {
  name: Buffer;
  mode: number;
  crc: number;
  compressed: number;
  size: number;
  offset: number;
}

/** Throws a RangeError for what is larger than 4 GiB. */
export async function* writeZip(entries: AsyncIterable<NewZipEntry>): AsyncGenerator<Uint8Array> {
  const written: Written[] = [];
  let offset = 0;
  for await (const { name, chunks, isExecutable, isLink } of entries) {
    const entry: Written = {
      name: Buffer.from(name),
      mode: isLink ? 0o120777 : isExecutable ? 0o100755 : 0o100644,
      crc: 0,
      compressed: 0,
      size: 0,
      offset,
    };
    const header = local(entry);
    yield header;
    for await (const chunk of compress(chunks, entry)) yield chunk;
    const end = descriptor(entry);
    yield end;
    offset += header.length + entry.compressed + end.length;
    if (offset > ZIP_SIZE || entry.size > ZIP_SIZE)
      throw new RangeError("The archive is larger than 4 GiB");
    written.push(entry);
  }
  let size = 0;
  for (const entry of written) {
    const header = central(entry);
    size += header.length;
    yield header;
  }
  yield end(written.length, size, offset);
}

/** Counts what it reads and gives. */
async function* compress(
  chunks: AsyncIterable<Uint8Array>,
  entry: Written,
): AsyncGenerator<Uint8Array> {
  const first: Uint8Array[] = [];
  const input = chunks[Symbol.asyncIterator]();
  let next = await input.next();
  for (; !next.done && entry.size <= WHOLE; next = await input.next()) {
    count(next.value, entry);
    first.push(next.value);
  }
  if (next.done) {
    const whole = Buffer.concat(first);
    const bytes = whole.length <= SMALL ? deflateRawSync(whole) : await deflate(whole);
    entry.compressed = bytes.length;
    yield bytes;
    return;
  }
  const rest = next.value;
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* first;
    for (let one: IteratorResult<Uint8Array> = { value: rest, done: false }; !one.done; ) {
      count(one.value, entry);
      yield one.value;
      one = await input.next();
    }
  }
  const stream = createDeflateRaw();
  const feeding = feed(all(), stream);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    entry.compressed += chunk.length;
    yield chunk;
  }
  await feeding;
}

async function feed(
  chunks: AsyncIterable<Uint8Array>,
  stream: ReturnType<typeof createDeflateRaw>,
): Promise<void> {
  try {
    for await (const chunk of chunks)
      if (!stream.write(chunk)) await new Promise((resolve) => stream.once("drain", resolve));
    stream.end();
  } catch (error) {
    stream.destroy(error as Error);
  }
}

function count(chunk: Uint8Array, entry: Written): void {
  entry.crc = crc32(chunk, entry.crc);
  entry.size += chunk.length;
}

function local({ name }: Written): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(DEFLATED, 8);
  header.writeUInt16LE(DATE, 12);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function descriptor({ crc, compressed, size }: Written): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  bytes.writeUInt32LE(compressed, 8);
  bytes.writeUInt32LE(size, 12);
  return bytes;
}

function central({ name, mode, crc, compressed, size, offset }: Written): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE((UNIX << 8) | VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt16LE(DEFLATED, 10);
  header.writeUInt16LE(DATE, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(compressed, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(mode * 0x10000, 38);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, name]);
}

/** With the records of Zip64 where there are more entries than a short number tells. */
function end(entries: number, size: number, offset: number): Buffer {
  const last = Buffer.alloc(22);
  const told = Math.min(entries, MOST_ENTRIES);
  last.writeUInt32LE(0x06054b50, 0);
  last.writeUInt16LE(told, 8);
  last.writeUInt16LE(told, 10);
  last.writeUInt32LE(size, 12);
  last.writeUInt32LE(offset, 16);
  if (entries < MOST_ENTRIES) return last;
  const more = Buffer.alloc(56 + 20);
  more.writeUInt32LE(0x06064b50, 0);
  more.writeBigUInt64LE(44n, 4);
  more.writeUInt16LE((UNIX << 8) | VERSION_64, 12);
  more.writeUInt16LE(VERSION_64, 14);
  more.writeBigUInt64LE(BigInt(entries), 24);
  more.writeBigUInt64LE(BigInt(entries), 32);
  more.writeBigUInt64LE(BigInt(size), 40);
  more.writeBigUInt64LE(BigInt(offset), 48);
  more.writeUInt32LE(0x07064b50, 56);
  more.writeBigUInt64LE(BigInt(offset + size), 64);
  more.writeUInt32LE(1, 72);
  return Buffer.concat([more, last]);
}
