// Writes what older archives have beside .gz, without making it small: .bz2, .lzma, .lz4. Same input, same bytes, and no program is needed.

/** LZ4 frame of blocks that are stored as they are. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
export function lz4(bytes: Uint8Array): Buffer {
  // Version 1, independent blocks of 64 KiB at most, and the checksum of these two bytes.
  const parts = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])];
  for (let at = 0; at < bytes.length; at += 65_536) {
    const block = bytes.subarray(at, at + 65_536);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length + 0x8000_0000);
    parts.push(size, Buffer.from(block));
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

/** Literals only, and an end mark in none: the header says how long it is. https://www.7-zip.org/sdk.html: lzma-specification */
export function lzma(bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header[0] = 0; // no bit of the byte before, nor of the position, tells anything about the next
  header.writeUInt32LE(4096, 1);
  header.writeBigUInt64LE(BigInt(bytes.length), 5);
  const coder = new RangeEncoder();
  const isMatch = [1024];
  const literals = new Array<number>(0x300).fill(1024);
  for (const byte of bytes) {
    coder.bit(isMatch, 0, 0);
    let node = 1;
    for (let place = 7; place >= 0; place--) {
      const bit = (byte >> place) & 1;
      coder.bit(literals, node, bit);
      node = node * 2 + bit;
    }
  }
  return Buffer.concat([header, coder.end()]);
}

class RangeEncoder {
  readonly #out: number[] = [];
  #low = 0;
  #range = 0xffff_ffff;
  #held = 0;
  #waiting = 1;

  bit(models: number[], place: number, bit: number): void {
    const model = models[place]!;
    const bound = (this.#range >>> 11) * model;
    if (bit === 0) {
      this.#range = bound;
      models[place] = model + ((2048 - model) >> 5);
    } else {
      this.#low += bound;
      this.#range -= bound;
      models[place] = model - (model >> 5);
    }
    while (this.#range < 2 ** 24) {
      this.#range = (this.#range * 256) >>> 0;
      this.#shift();
    }
  }

  /** A byte is written once no carry can reach it. */
  #shift(): void {
    const carry = this.#low >= 2 ** 32 ? 1 : 0;
    if (this.#low < 0xff00_0000 || carry) {
      let byte = this.#held;
      do {
        this.#out.push((byte + carry) & 255);
        byte = 255;
      } while (--this.#waiting > 0);
      this.#held = Math.floor(this.#low / 2 ** 24) & 255;
    }
    this.#waiting++;
    this.#low = (this.#low % 2 ** 24) * 256;
  }

  end(): Buffer {
    for (let turn = 0; turn < 5; turn++) this.#shift();
    return Buffer.from(this.#out);
  }
}

const BLOCK = 20_000;

/** All codes have the same length. https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf */
export function bz2(bytes: Uint8Array): Buffer {
  const bits = new BitWriter();
  bits.write(0x425a_6831, 32);
  let all = 0;
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    const sum = checksum(block);
    all = (((all << 1) | (all >>> 31)) ^ sum) >>> 0;
    bits.write(0x314159, 24);
    bits.write(0x265359, 24);
    bits.write(sum, 32);
    writeBlock(bits, runs(block));
  }
  bits.write(0x177245, 24);
  bits.write(0x385090, 24);
  bits.write(all, 32);
  return bits.end();
}

class BitWriter {
  readonly #out: number[] = [];
  #byte = 0;
  #count = 0;

  write(value: number, count: number): void {
    for (let place = count - 1; place >= 0; place--) {
      this.#byte = (this.#byte << 1) | ((value >>> place) & 1);
      if (++this.#count < 8) continue;
      this.#out.push(this.#byte & 255);
      this.#byte = this.#count = 0;
    }
  }

  end(): Buffer {
    while (this.#count) this.write(0, 1);
    return Buffer.from(this.#out);
  }
}

function checksum(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return ~crc >>> 0;
}

/** After four alike comes how many more there are. */
function runs(bytes: Uint8Array): number[] {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let end = at;
    while (end < bytes.length && bytes[end] === bytes[at] && end - at < 255) end++;
    const length = end - at;
    for (let turn = 0; turn < Math.min(length, 4); turn++) out.push(bytes[at]!);
    if (length >= 4) out.push(length - 4);
    at = end;
  }
  return out;
}

function writeBlock(bits: BitWriter, data: number[]): void {
  const size = data.length;
  // Rotations of the block, sorted: doubled, so that each is a slice.
  const doubled = Buffer.from([...data, ...data]);
  const order = data
    .map((_, start) => start)
    .sort((a, b) => Buffer.compare(doubled.subarray(a, a + size), doubled.subarray(b, b + size)));
  bits.write(0, 1);
  bits.write(order.indexOf(0), 24);
  const last = order.map((start) => doubled[start + size - 1]!);
  const used = [...new Set(data)].sort((a, b) => a - b);
  const groups = Array.from({ length: 16 }, (_, group) =>
    Array.from({ length: 16 }, (_, byte) => (used.includes(group * 16 + byte) ? 1 : 0)),
  );
  for (const group of groups) bits.write(group.includes(1) ? 1 : 0, 1);
  for (const group of groups) if (group.includes(1)) for (const bit of group) bits.write(bit, 1);
  writeSymbols(bits, symbolsOf(last, used), used.length + 2);
}

/** Moved to the front: runs of the first in digits 0 and 1, others one higher, and an end. */
function symbolsOf(bytes: number[], used: number[]): number[] {
  const front = [...used];
  const out: number[] = [];
  let run = 0;
  const flush = () => {
    for (; run > 0; run = (run - 1) >> 1) out.push((run - 1) & 1);
  };
  for (const byte of bytes) {
    const place = front.indexOf(byte);
    if (place === 0) {
      run++;
      continue;
    }
    flush();
    out.push(place + 1);
    front.splice(place, 1);
    front.unshift(byte);
  }
  flush();
  return [...out, used.length + 1];
}

function writeSymbols(bits: BitWriter, symbols: number[], count: number): void {
  const length = Math.max(1, Math.ceil(Math.log2(count)));
  const selectors = Math.ceil(symbols.length / 50);
  bits.write(2, 3); // two tables, as the format wants; alike
  bits.write(selectors, 15);
  for (let at = 0; at < selectors; at++) bits.write(0, 1);
  for (let table = 0; table < 2; table++) {
    bits.write(length, 5);
    for (let symbol = 0; symbol < count; symbol++) bits.write(0, 1);
  }
  for (const symbol of symbols) bits.write(symbol, length);
}
