// Reads zip archives in place: the directory first, then single entries. PKWARE APPNOTE 6.3, ZIP64 included.
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";

/** What an archive may cost its reader. Sizes in bytes; whatever is past a limit is Problem("malformed"). */
export interface ZipLimits {
  entries: number;
  nameLength: number;
  directorySize: number;
  /** Of one entry, unpacked. */
  entrySize: number;
  /** Of all entries, unpacked. */
  totalSize: number;
  /** Unpacked bytes of the whole per byte of the file; asked only past 64 MiB unpacked. */
  ratio: number;
}

export const zipLimits: ZipLimits = {
  entries: 250_000,
  nameLength: 4096,
  directorySize: 64 * 2 ** 20,
  entrySize: 4 * 2 ** 30,
  totalSize: 8 * 2 ** 30,
  ratio: 200,
};

export interface ZipEntry {
  /** As UTF-8; as Latin-1 when it is not UTF-8. Directories end in "/". Never a path to write to. */
  name: string;
  rawName: Uint8Array;
  /** 0 stored, 8 deflated; others are listed but cannot be read. */
  method: number;
  encrypted: boolean;
  crc32: number;
  compressedSize: number;
  size: number;
  /** Where its local header stands in the file. */
  offset: number;
  /** Type and permissions as Unix has them; 0 when it was packed elsewhere. APPNOTE 4.4.2, 4.4.15 */
  mode: number;
  /** What readers make different things of: another name in an extra field, modes of other systems. Empty for ordinary entries. */
  also: string;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MADE_BY_UNIX = 3;
const ONES = 0xffffffff;
const RATIO_FLOOR = 64 * 2 ** 20;
/** Info-ZIP's name in UTF-8, and ASi's mode and link: taken by some readers in place of the header's. APPNOTE 4.6.9 */
const EXTRAS = [0x7075, 0x756e];
/** Entries up to this size are inflated at one go, which is several times quicker for source files. */
const WHOLE = 2 ** 20;
const PIECE = 256 * 1024;

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable zip archive: ${reason}`);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function u64(data: DataView, at: number): number {
  const value = data.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw bad("a size that no file has");
  return Number(value);
}

async function exactly(file: RandomAccess, offset: number, length: number): Promise<Uint8Array> {
  if (offset < 0 || offset + length > file.size) throw bad("it ends early");
  const bytes = await file.read(offset, length);
  if (bytes.length !== length) throw bad("it ends early");
  return bytes;
}

/** Where the directory stands in the file. */
export interface Directory {
  entries: number;
  offset: number;
  size: number;
}

/** Throws where readers could find another one, or none. */
export async function findDirectory(file: RandomAccess): Promise<Directory> {
  const length = Math.min(file.size, 22 + 0xffff + 20);
  const start = file.size - length;
  const data = view(await exactly(file, start, length));
  for (let at = length - 22; at >= 0; at -= 1) {
    if (data.getUint32(at, true) !== END) continue;
    // Readers take the last one, or the last one that fits: there must be no choice.
    if (at + 22 + data.getUint16(at + 20, true) > length) throw bad("its comment is cut");
    if (hasEarlierEnd(data, at, start)) throw bad("it has two directories");
    if (data.getUint16(at + 4, true) !== data.getUint16(at + 6, true)) throw bad("it has parts");
    const directory = {
      entries: data.getUint16(at + 10, true),
      size: data.getUint32(at + 12, true),
      offset: data.getUint32(at + 16, true),
    };
    let end = start + at;
    if (at >= 20 && data.getUint32(at - 20, true) === END64_LOCATOR) {
      end = u64(data, at - 20 + 8);
      const record = view(await exactly(file, end, 56));
      if (record.getUint32(0, true) !== END64) throw bad("its ZIP64 record is not there");
      const wide = { entries: u64(record, 32), size: u64(record, 40), offset: u64(record, 48) };
      // The short fields are full of ones, or say the same: else it is the reader's choice.
      const isSame = (field: keyof Directory, ones: number) =>
        directory[field] === ones || directory[field] === wide[field];
      if (!isSame("entries", 0xffff) || !isSame("size", ONES) || !isSame("offset", ONES))
        throw bad("its ZIP64 record says something else");
      Object.assign(directory, wide);
    }
    // Bytes before the archive would let two readers see two archives in one file.
    if (directory.offset + directory.size !== end)
      throw bad("its directory is not where it says it is");
    return directory;
  }
  throw bad("it has no directory");
}

/** Whether an end before the one at `last` would be taken for one: it has a directory of its own before it. */
function hasEarlierEnd(data: DataView, last: number, start: number): boolean {
  for (let at = last - 22; at >= 0; at -= 1) {
    if (data.getUint32(at, true) !== END) continue;
    const size = data.getUint32(at + 12, true);
    if (size > 0 && data.getUint32(at + 16, true) + size === start + at) return true;
  }
  return false;
}

function decodeName(raw: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return Buffer.from(raw).toString("latin1");
  }
}

/** The sizes and the offset that the ZIP64 extra field holds instead of the 32-bit ones. APPNOTE 4.5.3 */
function widen(
  entry: Pick<ZipEntry, "size" | "compressedSize" | "offset">,
  extra: Uint8Array,
): void {
  const data = view(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = data.getUint16(at + 2, true);
    const end = at + 4 + length;
    if (end > extra.length) return;
    if (data.getUint16(at, true) === 1) {
      let next = at + 4;
      for (const field of ["size", "compressedSize", "offset"] as const) {
        if (entry[field] !== ONES) continue;
        if (next + 8 > end) throw bad("a ZIP64 field is short");
        entry[field] = u64(data, next);
        next += 8;
      }
    }
    at = end;
  }
}

function alsoOf(header: DataView, rawName: Uint8Array, extra: Uint8Array): string {
  const found: string[] = [];
  const [version, system, mode] = [
    header.getUint8(4),
    header.getUint8(5),
    header.getUint16(40, true),
  ];
  const isUtf8 = (header.getUint16(8, true) & 0x800) !== 0;
  // The bytes of such names are read as the system that packed them is said to write them.
  if (rawName.some((byte) => byte >= 0x80 || byte === 0x5c))
    found.push(`name ${Buffer.from(rawName).toString("hex")} ${system} ${version} ${isUtf8}`);
  if (system !== MADE_BY_UNIX && mode !== 0) found.push(`mode ${system} ${mode}`);
  const data = view(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + data.getUint16(at + 2, true))
    if (EXTRAS.includes(data.getUint16(at, true)))
      found.push(
        Buffer.from(extra.subarray(at, at + 4 + data.getUint16(at + 2, true))).toString("hex"),
      );
  return found.join(",");
}

/**
 * The entry that a directory has at `at`, and where the next one begins; null when the bytes end before it does or it is none. Throws for a name that
 * is none.
 */
export function entryAt(
  bytes: Uint8Array,
  at: number,
  limits: Pick<ZipLimits, "nameLength">,
): { entry: ZipEntry; next: number } | null {
  const data = view(bytes);
  if (at + 46 > bytes.length || data.getUint32(at, true) !== CENTRAL) return null;
  const nameEnd = at + 46 + data.getUint16(at + 28, true);
  const extraEnd = nameEnd + data.getUint16(at + 30, true);
  const next = extraEnd + data.getUint16(at + 32, true);
  if (next > bytes.length) return null;
  const rawName = bytes.subarray(at + 46, nameEnd);
  if (rawName.length === 0 || rawName.length > limits.nameLength || rawName.includes(0))
    throw bad("an entry has no usable name");
  const entry: ZipEntry = {
    name: decodeName(rawName),
    rawName,
    method: data.getUint16(at + 10, true),
    encrypted: (data.getUint16(at + 8, true) & 1) === 1,
    crc32: data.getUint32(at + 16, true),
    compressedSize: data.getUint32(at + 20, true),
    size: data.getUint32(at + 24, true),
    offset: data.getUint32(at + 42, true),
    mode: data.getUint8(at + 5) === MADE_BY_UNIX ? data.getUint16(at + 40, true) : 0,
    also: alsoOf(view(bytes.subarray(at, at + 46)), rawName, bytes.subarray(nameEnd, extraEnd)),
  };
  widen(entry, bytes.subarray(nameEnd, extraEnd));
  return { entry, next };
}

/** All entries, in the directory's order, checked against the limits before anything is unpacked. */
export async function readDirectory(
  file: RandomAccess,
  limits: ZipLimits = zipLimits,
): Promise<ZipEntry[]> {
  const directory = await findDirectory(file);
  if (directory.entries > limits.entries) throw bad(`more than ${limits.entries} entries`);
  if (directory.size > limits.directorySize) throw bad("its directory is too large");
  const bytes = await exactly(file, directory.offset, directory.size);
  const entries: ZipEntry[] = [];
  let at = 0;
  let packed = 0;
  let unpacked = 0;
  while (entries.length < directory.entries) {
    const found = entryAt(bytes, at, limits);
    if (!found) throw bad("its directory is broken");
    const { entry, next } = found;
    const { rawName } = entry;
    if (entry.size > limits.entrySize) throw bad(`an entry is too large: ${entry.name}`);
    packed += 30 + rawName.length + entry.compressedSize;
    unpacked += entry.size;
    entries.push(entry);
    at = next;
  }
  if (at !== bytes.length) throw bad("its directory holds more than its entries");
  if (packed > directory.offset) throw bad("its entries overlap");
  if (unpacked > limits.totalSize) throw bad("it unpacks to too much");
  if (unpacked > RATIO_FLOOR && unpacked > limits.ratio * file.size)
    throw bad("it unpacks to far more than it is");
  return entries;
}

/**
 * The same file, read a megabyte at a time: for reading many small entries in order. For one reader at a time. `isReused`: what was read is overwritten by
 * what is read next, so that an archive of any length costs one window: the collector lets windows pile up.
 */
export function readAhead(
  file: RandomAccess,
  window = 2 ** 20,
  { isReused = false } = {},
): RandomAccess {
  const own = isReused ? new Uint8Array(window) : undefined;
  let start = 0;
  let held: Uint8Array = new Uint8Array(0);
  return {
    size: file.size,
    async read(offset, length) {
      if (length >= window) return file.read(offset, length);
      if (offset < start || offset + length > start + held.length) {
        held = held.subarray(0, 0); // not what it was, whatever comes of this
        held = await file.read(offset, Math.max(0, Math.min(window, file.size - offset)), own);
        start = offset;
      }
      return held.subarray(offset - start, offset - start + length);
    },
  };
}

async function* pieces(
  file: RandomAccess,
  start: number,
  size: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += PIECE)
    yield await exactly(file, start + at, Math.min(PIECE, size - at));
}

async function* inflate(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createInflateRaw({ chunkSize: PIECE });
  const closed = new Promise<void>((resolve) => stream.once("close", resolve));
  const feed = async () => {
    for await (const chunk of source) {
      if (stream.destroyed) return;
      if (stream.write(chunk)) continue;
      await Promise.race([new Promise((resolve) => stream.once("drain", resolve)), closed]);
    }
    stream.end();
  };
  feed().catch((error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw error instanceof Problem ? error : bad("an entry cannot be inflated");
  } finally {
    stream.destroy();
  }
}

function inflateWhole(bytes: Uint8Array, size: number): Uint8Array {
  try {
    return inflateRawSync(bytes, { maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) });
  } catch {
    throw bad("an entry cannot be inflated");
  }
}

/** Where the bytes of an entry begin. */
async function startOf(file: RandomAccess, entry: ZipEntry): Promise<number> {
  const header = view(await exactly(file, entry.offset, 30));
  if (header.getUint32(0, true) !== LOCAL) throw bad(`no entry where the directory says`);
  return entry.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
}

/** A small entry, unpacked and checked as by `readEntry`, and as it was packed: deflated, or null when it was not. */
export async function readSmall(
  file: RandomAccess,
  entry: ZipEntry,
  limit: number,
): Promise<{ bytes: Uint8Array; deflated: Uint8Array | null }> {
  if (entry.size > limit || entry.compressedSize > 2 * limit)
    throw bad(`more than ${limit} bytes: ${entry.name}`);
  if (entry.encrypted || (entry.method !== 0 && entry.method !== 8))
    throw bad(`encrypted, or of an unknown compression: ${entry.name}`);
  const packed = await exactly(file, await startOf(file, entry), entry.compressedSize);
  const bytes = entry.method === 8 ? inflateWhole(packed, entry.size) : packed;
  if (bytes.length !== entry.size) throw bad(`not as large as it says: ${entry.name}`);
  if (crc32(bytes) >>> 0 !== entry.crc32) throw bad(`wrong checksum of ${entry.name}`);
  return { bytes, deflated: entry.method === 8 ? packed : null };
}

async function* unpack(file: RandomAccess, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  const start = await startOf(file, entry);
  if (entry.method === 0) {
    if (entry.size !== entry.compressedSize) throw bad("a stored entry with two sizes");
    yield* pieces(file, start, entry.size);
  } else if (entry.size <= WHOLE && entry.compressedSize <= 2 * WHOLE) {
    yield inflateWhole(await exactly(file, start, entry.compressedSize), entry.size);
  } else {
    yield* inflate(pieces(file, start, entry.compressedSize));
  }
}

/**
 * Throws unless the header before an entry's bytes says what the directory says: some readers go by the one, some by the other. APPNOTE 4.3.7
 */
export async function checkLocal(file: RandomAccess, entry: ZipEntry): Promise<void> {
  const header = view(await exactly(file, entry.offset, 30));
  const nameLength = header.getUint16(26, true);
  const rest = await exactly(file, entry.offset + 30, nameLength + header.getUint16(28, true));
  const flags = header.getUint16(6, true);
  const [sum, compressedSize, size] = [14, 18, 22].map((at) => header.getUint32(at, true));
  const local = { size: size!, compressedSize: compressedSize!, offset: 0 };
  widen(local, rest.subarray(nameLength));
  const isLater = (flags & 8) !== 0; // the sizes follow the bytes, or stand in the directory alone
  const isSame =
    header.getUint32(0, true) === LOCAL &&
    header.getUint16(8, true) === entry.method &&
    (flags & 1) === Number(entry.encrypted) &&
    Buffer.compare(rest.subarray(0, nameLength), entry.rawName) === 0 &&
    (isLater ||
      (sum === entry.crc32 &&
        local.size === entry.size &&
        local.compressedSize === entry.compressedSize));
  if (!isSame) throw bad(`two headers say two things of ${entry.name}`);
}

/** The unpacked bytes of one entry. Ends without an error only when size and CRC are those of the directory. */
export async function* readEntry(file: RandomAccess, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  if (entry.encrypted) throw bad(`encrypted entry ${entry.name}`);
  if (entry.method !== 0 && entry.method !== 8) throw bad(`unknown compression of ${entry.name}`);
  let size = 0;
  let sum = 0;
  for await (const chunk of unpack(file, entry)) {
    size += chunk.length;
    if (size > entry.size) throw bad(`larger than it says: ${entry.name}`);
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (size !== entry.size) throw bad(`smaller than it says: ${entry.name}`);
  if (sum >>> 0 !== entry.crc32) throw bad(`wrong checksum of ${entry.name}`);
}
