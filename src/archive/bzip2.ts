// Uncompresses bzip2. There is no specification but its source; https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf describes it.
import { cutShort, wholeFile } from "./whole.ts";

const BLOCK = 0x314159265359;
const END = 0x177245385090;
/** Symbols that are read by one table before the next is chosen. */
const GROUP = 50;
const LONGEST_CODE = 20;
const PIECE = 65_536;

/** The bytes of all streams, in pieces. Throws an Error for what is damaged (each block has a checksum) or cut. */
export async function* unbzip2(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new Bits(await wholeFile(chunks));
  // One for all streams: a file may have a hundred thousand that hold nothing.
  let words = new Uint32Array(0);
  do {
    if (input.read(24) !== 0x425a68) throw new Error("it does not begin as bzip2 does");
    const level = input.read(8) - 0x30;
    if (level < 1 || level > 9) throw new Error("it does not begin as bzip2 does");
    const most = level * 100_000;
    if (words.length < most) words = new Uint32Array(most);
    for (let magic = input.read48(); magic !== END; magic = input.read48()) {
      if (magic !== BLOCK) throw new Error("its data is damaged");
      yield* block(input, words.subarray(0, most));
    }
    input.read(32); // over the checksums of the blocks, which were all checked
    input.align();
  } while (!input.isAtEnd);
}

/** Most significant bit first. */
class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  bit(): number {
    if (this.#count === 0) {
      if (this.#at >= this.#bytes.length) throw cutShort();
      this.#held = this.#bytes[this.#at++]!;
      this.#count = 8;
    }
    this.#count--;
    return (this.#held >> this.#count) & 1;
  }

  /** 32 at most. */
  read(count: number): number {
    let value = 0;
    for (let place = 0; place < count; place++) value = value * 2 + this.bit();
    return value;
  }

  read48(): number {
    return this.read(24) * 2 ** 24 + this.read(24);
  }

  align(): void {
    this.#count = 0;
  }
}

interface Table {
  /** By length: the code after the last one of that length, and what to add to a code for its place in `symbols`. */
  limits: Int32Array;
  bases: Int32Array;
  symbols: Uint16Array;
}

/** Codes of one length follow each other, and shorter ones come first. */
function tableOf(lengths: Uint8Array): Table {
  const limits = new Int32Array(LONGEST_CODE + 1).fill(-1);
  const bases = new Int32Array(LONGEST_CODE + 1);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let count = 0;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    bases[length] = count - code;
    for (const [symbol, its] of lengths.entries()) {
      if (its !== length) continue;
      symbols[count++] = symbol;
      code++;
    }
    limits[length] = code;
    code *= 2;
  }
  return { limits, bases, symbols };
}

function nextSymbol(input: Bits, { limits, bases, symbols }: Table): number {
  let code = 0;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    code = code * 2 + input.bit();
    if (code < limits[length]!) return symbols[code + bases[length]!]!;
  }
  throw new Error("its data is damaged");
}

function* block(input: Bits, words: Uint32Array): Generator<Uint8Array> {
  const checksum = input.read(32);
  if (input.bit()) throw new Error("it is of a bzip2 before 0.9.5, which cannot be read");
  const origin = input.read(24);
  const used = usedBytes(input);
  const symbols = used.length + 2;
  const { tables, selectors } = readTables(input, symbols);
  const counts = new Uint32Array(256);
  const front = used;
  let size = 0;
  let run = 0;
  let weight = 1;
  const put = (byte: number, times: number) => {
    if (size + times > words.length) throw new Error("a block is longer than its stream says");
    words.fill(byte, size, size + times);
    counts[byte]! += times;
    size += times;
  };
  for (let at = 0; ; at++) {
    const table = tables[selectors[Math.floor(at / GROUP)] ?? -1];
    if (!table) throw new Error("its data is damaged");
    const symbol = nextSymbol(input, table);
    // Runs of the byte at the front, counted in digits 1 and 2.
    if (symbol <= 1) {
      run += weight << symbol;
      weight *= 2;
      if (run > words.length) throw new Error("a block is longer than its stream says");
      continue;
    }
    if (run) put(front[0]!, run);
    run = 0;
    weight = 1;
    if (symbol === symbols - 1) break;
    const byte = front[symbol - 1]!;
    front.copyWithin(1, 0, symbol - 1);
    front[0] = byte;
    put(byte, 1);
  }
  if (origin >= size) throw new Error("its data is damaged");
  yield* unsorted(words, counts, size, origin, checksum);
}

/** The bytes that occur, in their order. */
function usedBytes(input: Bits): Uint8Array {
  const groups = input.read(16);
  const used: number[] = [];
  for (let group = 0; group < 16; group++) {
    if (!((groups >> (15 - group)) & 1)) continue;
    const bytes = input.read(16);
    for (let byte = 0; byte < 16; byte++)
      if ((bytes >> (15 - byte)) & 1) used.push(group * 16 + byte);
  }
  if (!used.length) throw new Error("its data is damaged");
  return Uint8Array.from(used);
}

function readTables(input: Bits, symbols: number): { tables: Table[]; selectors: Uint8Array } {
  const count = input.read(3);
  if (count < 2 || count > 6) throw new Error("its data is damaged");
  const selectors = new Uint8Array(input.read(15));
  const front = Array.from({ length: count }, (_, table) => table);
  for (let at = 0; at < selectors.length; at++) {
    let place = 0;
    while (input.bit()) if (++place >= count) throw new Error("its data is damaged");
    const [table] = front.splice(place, 1);
    front.unshift(table!);
    selectors[at] = table!;
  }
  const tables: Table[] = [];
  for (let table = 0; table < count; table++) {
    const lengths = new Uint8Array(symbols);
    let length = input.read(5);
    for (let symbol = 0; symbol < symbols; symbol++) {
      while (input.bit()) length += input.bit() ? -1 : 1;
      if (length < 1 || length > LONGEST_CODE) throw new Error("its data is damaged");
      lengths[symbol] = length;
    }
    tables.push(tableOf(lengths));
  }
  return { tables, selectors };
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** Undoes the sorting (Burrows-Wheeler) and the first run-length code: four alike, then how many more. */
function* unsorted(
  words: Uint32Array,
  counts: Uint32Array,
  size: number,
  origin: number,
  checksum: number,
): Generator<Uint8Array> {
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const its = counts[byte]!;
    counts[byte] = sum;
    sum += its;
  }
  // The upper 24 bits of a word: where the next byte stands.
  for (let at = 0; at < size; at++) words[counts[words[at]! & 255]!++]! |= at << 8;
  let crc = -1;
  let piece = new Uint8Array(PIECE);
  let filled = 0;
  let next = words[origin]! >>> 8;
  let last = -1;
  let alike = 0;
  for (let at = 0; at < size; at++) {
    const word = words[next]!;
    next = word >>> 8;
    let byte = word & 255;
    let times = 1;
    if (alike === 4) {
      times = byte;
      byte = last;
      alike = 0;
    } else {
      alike = byte === last ? alike + 1 : 1;
      last = byte;
    }
    for (; times > 0; times--) {
      crc = (crc << 8) ^ CRC[(crc >>> 24) ^ byte]!;
      piece[filled++] = byte;
      if (filled < PIECE) continue;
      yield piece;
      piece = new Uint8Array(PIECE);
      filled = 0;
    }
  }
  if (~crc >>> 0 !== checksum) throw new Error("its data is damaged");
  if (filled) yield piece.subarray(0, filled);
}
