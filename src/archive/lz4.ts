// Uncompresses LZ4 frames. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md
import { cutShort, wholeFile } from "./whole.ts";

const MAGIC = 0x184d2204;
const SKIPPABLE = 0x184d2a50;
/** How far back a match may reach. */
const WINDOW = 65_536;
const BLOCK_SIZES = [0, 0, 0, 0, 65_536, 262_144, 1_048_576, 4_194_304];
const UNCOMPRESSED = 0x8000_0000;

/**
 * The bytes of all frames, a block at a time. Throws an Error for what is damaged or cut. Checksums are passed over: what is read here was
 * proven by its hash before.
 */
export async function* unlz4(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new Words(await wholeFile(chunks));
  // One for all frames: a file may have a hundred thousand that hold nothing.
  const memory = { buffer: new Uint8Array(0) };
  do {
    const magic = input.word();
    // The upper 28 bits; the lower four are free.
    if (magic >>> 4 === SKIPPABLE >>> 4) input.take(input.word());
    else if (magic !== MAGIC) throw new Error("not an LZ4 frame");
    else yield* frame(input, memory);
  } while (!input.isAtEnd);
}

class Words {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw cutShort();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** 32 bits, little end first. */
  word(): number {
    const [a, b, c, d] = this.take(4);
    return (a! | (b! << 8) | (c! << 16) | (d! << 24)) >>> 0;
  }
}

function* frame(input: Words, memory: { buffer: Uint8Array }): Generator<Uint8Array> {
  const [flags, descriptor] = input.take(2);
  if (flags! >> 6 !== 1) throw new Error("a version of LZ4 that cannot be read");
  if (flags! & 0x01) throw new Error("it needs a dictionary");
  const hasSize = (flags! & 0x08) !== 0;
  const hasChecksum = (flags! & 0x04) !== 0;
  const hasBlockChecksums = (flags! & 0x10) !== 0;
  const isLinked = (flags! & 0x20) === 0;
  const most = BLOCK_SIZES[(descriptor! >> 4) & 7]!;
  input.take((hasSize ? 8 : 0) + 1);
  // What was written last, then the block.
  if (memory.buffer.length < WINDOW + most) memory.buffer = new Uint8Array(WINDOW + most);
  const { buffer } = memory;
  let before = 0;
  for (let size = input.word(); size !== 0; size = input.word()) {
    const data = input.take(size % UNCOMPRESSED);
    if (data.length > most) throw new Error("a block is longer than its frame says");
    let end = before + data.length;
    if (size >= UNCOMPRESSED) buffer.set(data, before);
    else end = block(data, buffer, before, before + most);
    if (hasBlockChecksums) input.take(4);
    yield buffer.slice(before, end);
    before = isLinked ? Math.min(end, WINDOW) : 0;
    if (before) buffer.copyWithin(0, end - before, end);
  }
  if (hasChecksum) input.take(4);
}

/** Uncompresses one block into `out` from `start`, at most to `limit`. Says where it ends. */
function block(data: Uint8Array, out: Uint8Array, start: number, limit: number): number {
  let at = 0;
  let to = start;
  const byte = (): number => {
    if (at >= data.length) throw new Error("a block is cut");
    return data[at++]!;
  };
  const length = (first: number): number => {
    let sum = first;
    if (first === 15)
      for (let more = 255; more === 255; ) {
        more = byte();
        sum += more;
      }
    return sum;
  };
  while (at < data.length) {
    const token = byte();
    const literals = length(token >> 4);
    if (at + literals > data.length) throw new Error("a block is cut");
    if (to + literals > limit) throw new Error("a block is longer than its frame says");
    out.set(data.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    // The last sequence has no match.
    if (at === data.length) break;
    const offset = byte() | (byte() << 8);
    const match = length(token & 15) + 4;
    if (offset === 0 || offset > to) throw new Error("a match begins before the data");
    if (to + match > limit) throw new Error("a block is longer than its frame says");
    // One by one: a match may reach into what it writes.
    for (const end = to + match; to < end; to++) out[to] = out[to - offset]!;
  }
  return to;
}
