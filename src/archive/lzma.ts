// Uncompresses .lzma files ("LZMA alone"), which xz took the place of. https://www.7-zip.org/sdk.html: lzma-specification
import { cutShort, wholeFile } from "./whole.ts";

const HEADER = 13;
const PIECE = 65_536;
/** More memory than any archive asks for. */
const DICTIONARY = 128 * 2 ** 20;
const SMALLEST = 4096;
const STATES = 12;
/** A bit of which nothing is known yet. */
const EVEN = 1024;
const SHORTEST = 2;
const FIRST_MODEL = 4;
const LAST_MODEL = 14;
const ALIGNED = 4;
const END_MARK = 0xffff_ffff;

/** The bytes of the file, in pieces. Throws an Error for what is damaged or cut. */
export async function* unlzma(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const bytes = await wholeFile(chunks);
  if (bytes.length < HEADER) throw cutShort();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const properties = bytes[0]!;
  const dictionary = view.getUint32(1, true);
  const length = view.getBigUint64(5, true);
  if (properties >= 9 * 5 * 5) throw new Error("it does not begin as lzma does");
  const size = length === 0xffff_ffff_ffff_ffffn ? null : Number(length);
  const window = Math.max(SMALLEST, Math.min(dictionary, size ?? dictionary));
  if (window > DICTIONARY) throw new Error("it needs too much memory");
  yield* decode(properties, window, size, new RangeDecoder(bytes, HEADER));
}

class RangeDecoder {
  readonly #bytes: Uint8Array;
  #at: number;
  #range = 0xffff_ffff;
  #code = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
    if (this.#byte() !== 0) throw new Error("its data is damaged");
    for (let place = 0; place < 4; place++) this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
  }

  /** Nothing is left to be told: how what has an end mark must end. */
  get isFinished(): boolean {
    return this.#code === 0;
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw cutShort();
    return this.#bytes[this.#at++]!;
  }

  #normalise(): void {
    if (this.#range >= 2 ** 24) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
  }

  bit(models: Uint16Array, place: number): number {
    const model = models[place]!;
    const bound = (this.#range >>> 11) * model;
    let bit = 0;
    if (this.#code < bound) {
      this.#range = bound;
      models[place] = model + ((2048 - model) >> 5);
    } else {
      this.#range -= bound;
      this.#code -= bound;
      models[place] = model - (model >> 5);
      bit = 1;
    }
    this.#normalise();
    return bit;
  }

  /** Bits that are as likely as not. */
  direct(count: number): number {
    let value = 0;
    for (let place = 0; place < count; place++) {
      this.#range >>>= 1;
      const isOne = this.#code >= this.#range;
      if (isOne) this.#code -= this.#range;
      this.#normalise();
      value = value * 2 + (isOne ? 1 : 0);
    }
    return value;
  }

  tree(models: Uint16Array, start: number, bits: number): number {
    let node = 1;
    for (let place = 0; place < bits; place++) node = node * 2 + this.bit(models, start + node);
    return node - (1 << bits);
  }

  /** The lowest bit first. */
  reverseTree(models: Uint16Array, start: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let place = 0; place < bits; place++) {
      const bit = this.bit(models, start + node);
      node = node * 2 + bit;
      value |= bit << place;
    }
    return value;
  }
}

function models(count: number): Uint16Array {
  return new Uint16Array(count).fill(EVEN);
}

/** How long a match is, beyond the shortest: 0 to 271. */
class Lengths {
  readonly #choices = models(2);
  readonly #low = models(16 * 8);
  readonly #middle = models(16 * 8);
  readonly #high = models(256);

  read(coder: RangeDecoder, position: number): number {
    if (!coder.bit(this.#choices, 0)) return coder.tree(this.#low, position * 8, 3);
    if (!coder.bit(this.#choices, 1)) return 8 + coder.tree(this.#middle, position * 8, 3);
    return 16 + coder.tree(this.#high, 0, 8);
  }
}

/** How far back a match begins, less one. */
class Distances {
  readonly #slots = models(4 * 64);
  readonly #special = models(1 + 128 - LAST_MODEL);
  readonly #align = models(1 << ALIGNED);

  read(coder: RangeDecoder, length: number): number {
    const slot = coder.tree(this.#slots, Math.min(length, 3) * 64, 6);
    if (slot < FIRST_MODEL) return slot;
    const bits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < LAST_MODEL) return base + coder.reverseTree(this.#special, base - slot, bits);
    const high = coder.direct(bits - ALIGNED) * 2 ** ALIGNED;
    return base + high + coder.reverseTree(this.#align, 0, ALIGNED);
  }
}

function* decode(
  properties: number,
  windowSize: number,
  size: number | null,
  coder: RangeDecoder,
): Generator<Uint8Array> {
  const contextBits = properties % 9;
  const positionBits = Math.floor(properties / 9) % 5;
  const literalMask = (1 << positionBits) - 1;
  const positionMask = (1 << Math.floor(properties / 45)) - 1;
  const literals = models(0x300 << (contextBits + positionBits));
  const isMatch = models(STATES << 4);
  const isRepeat = models(STATES);
  const repeatChoices = [models(STATES), models(STATES), models(STATES)];
  const isLong = models(STATES << 4);
  const lengths = new Lengths();
  const repeatLengths = new Lengths();
  const distances = new Distances();
  const window = new Uint8Array(windowSize);
  let at = 0;
  let given = 0;
  let total = 0;
  let state = 0;
  let recent = [0, 0, 0, 0];

  const back = (distance: number): number => {
    if (distance >= Math.min(total, windowSize)) throw new Error("its data is damaged");
    const from = at - distance - 1;
    return window[from < 0 ? from + windowSize : from]!;
  };

  /** After a match the bits are told by those of the byte that would come if it went on. */
  const literal = (): number => {
    const before = total > 0 ? back(0) : 0;
    const context =
      ((total & literalMask) << contextBits) + (contextBits ? before >> (8 - contextBits) : 0);
    const start = 0x300 * context;
    let symbol = 1;
    if (state >= 7) {
      let match = back(recent[0]!);
      for (let isSame = true; symbol < 0x100 && isSame; ) {
        const expected = (match >> 7) & 1;
        match <<= 1;
        const bit = coder.bit(literals, start + ((1 + expected) << 8) + symbol);
        symbol = symbol * 2 + bit;
        isSame = bit === expected;
      }
    }
    while (symbol < 0x100) symbol = symbol * 2 + coder.bit(literals, start + symbol);
    return symbol & 0xff;
  };

  /** Sets `recent[0]` and says how long the match is; null at the end mark. */
  const match = (position: number): number | null => {
    if (!coder.bit(isRepeat, state)) {
      const length = lengths.read(coder, position);
      state = state < 7 ? 7 : 10;
      const distance = distances.read(coder, length);
      recent = [distance, recent[0]!, recent[1]!, recent[2]!];
      return distance === END_MARK ? null : length + SHORTEST;
    }
    if (total === 0) throw new Error("its data is damaged");
    if (!coder.bit(repeatChoices[0]!, state)) {
      if (!coder.bit(isLong, (state << 4) + position)) {
        state = state < 7 ? 9 : 11;
        return 1;
      }
    } else {
      const place = !coder.bit(repeatChoices[1]!, state)
        ? 1
        : 2 + coder.bit(repeatChoices[2]!, state);
      const [distance] = recent.splice(place, 1);
      recent.unshift(distance!);
    }
    const length = repeatLengths.read(coder, position);
    state = state < 7 ? 8 : 11;
    return length + SHORTEST;
  };

  while (size === null || total < size) {
    const position = total & positionMask;
    let length = 1;
    let byte = -1;
    if (!coder.bit(isMatch, (state << 4) + position)) {
      byte = literal();
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
    } else {
      const found = match(position);
      if (found === null) {
        if (size !== null || !coder.isFinished) throw new Error("its data is damaged");
        break;
      }
      length = size === null ? found : Math.min(found, size - total);
    }
    for (; length > 0; length--) {
      window[at] = byte >= 0 ? byte : back(recent[0]!);
      at++;
      total++;
      if (at < windowSize && at - given < PIECE) continue;
      yield window.slice(given, at);
      if (at === windowSize) at = 0;
      given = at;
    }
  }
  if (at > given) yield window.slice(given, at);
}
