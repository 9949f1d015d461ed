// Compresses as LZMA2: literals and repetitions of what came before. https://www.7-zip.org/sdk.html: lzma-specification; https://tukaani.org/xz/xz-file-format.txt,
// 5.3.1. Made for text such as indices: a byte is told by the one before it, never by its place.
import { type Choice, Matches } from "./lzma-matches.ts";
import { models, RangeEncoder } from "./range-encoder.ts";

const CONTEXT_BITS = 3;
/** lc = 3, lp = 0, pb = 0. */
const PROPERTIES = CONTEXT_BITS;
const STATES = 12;
const SHORTEST = 2;
const FIRST_MODEL = 4;
const LAST_MODEL = 14;
const ALIGNED = 4;

/** What the header of a chunk can tell. */
const PACKED = 2 ** 16;
const PLAIN = 2 ** 21;
/** More than one step takes. */
const STEP_PACKED = 64;
const STEP_PLAIN = 512;
/** Of a chunk that is kept as it is. */
const AS_IT_IS = 2 ** 16;

/** What the header of a chunk says of what was learned before it. */
const NOTHING_KNOWN = 0xe0;
const BYTES_KNOWN = 0xc0;
const ALL_KNOWN = 0x80;

/**
 * The LZMA2 stream of the bytes, to its end mark, for a dictionary of at least their size. The same bytes always become the same bytes. Takes five bytes of memory for
 * each of them.
 */
export function lzma2(bytes: Uint8Array): Uint8Array[] {
  const encoder = new Encoder(bytes);
  const parts: Uint8Array[] = [];
  let known = NOTHING_KNOWN;
  for (let at = 0; at < bytes.length; at = encoder.at) {
    const packed = encoder.chunk();
    const size = encoder.at - at;
    if (packed.length < size) {
      parts.push(header(known, size, packed.length), packed);
      known = ALL_KNOWN;
      continue;
    }
    parts.push(...plainly(bytes.subarray(at, encoder.at), at === 0));
    encoder.forget();
    known = BYTES_KNOWN;
  }
  return [...parts, Uint8Array.of(0)];
}

function header(known: number, size: number, packed: number): Uint8Array {
  const [plain, coded] = [size - 1, packed - 1];
  const properties = known === ALL_KNOWN ? [] : [PROPERTIES];
  return Uint8Array.of(known | (plain >> 16), plain >> 8, plain, coded >> 8, coded, ...properties);
}

/** What would only grow. */
function* plainly(bytes: Uint8Array, isFirst: boolean): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += AS_IT_IS) {
    const piece = bytes.subarray(at, at + AS_IT_IS);
    const size = piece.length - 1;
    yield Uint8Array.of(isFirst && at === 0 ? 1 : 2, size >> 8, size);
    yield piece;
  }
}

/** How long a match is, beyond the shortest: 0 to 271. */
class Lengths {
  readonly #choices = models(2);
  readonly #low = models(8);
  readonly #middle = models(8);
  readonly #high = models(256);

  write(coder: RangeEncoder, length: number): void {
    coder.bit(this.#choices, 0, length < 8 ? 0 : 1);
    if (length >= 8) coder.bit(this.#choices, 1, length < 16 ? 0 : 1);
    if (length < 8) coder.tree(this.#low, 0, 3, length);
    else if (length < 16) coder.tree(this.#middle, 0, 3, length - 8);
    else coder.tree(this.#high, 0, 8, length - 16);
  }
}

/** How far back a match begins, less one. */
class Distances {
  readonly #slots = models(4 * 64);
  readonly #special = models(1 + 128 - LAST_MODEL);
  readonly #align = models(1 << ALIGNED);

  write(coder: RangeEncoder, distance: number, length: number): void {
    const slot = slotOf(distance);
    coder.tree(this.#slots, Math.min(length, 3) * 64, 6, slot);
    if (slot < FIRST_MODEL) return;
    const bits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) << bits;
    const rest = distance - base;
    if (slot < LAST_MODEL) coder.reverseTree(this.#special, base - slot, bits, rest);
    else {
      coder.direct(rest >>> ALIGNED, bits - ALIGNED);
      coder.reverseTree(this.#align, 0, ALIGNED, rest & 15);
    }
  }
}

/** Its highest bit and the one below it. */
function slotOf(distance: number): number {
  if (distance < FIRST_MODEL) return distance;
  const highest = 31 - Math.clz32(distance);
  return highest * 2 + ((distance >>> (highest - 1)) & 1);
}

/** What was learned, and is learned again by whoever reads it. */
class Learned {
  readonly literals = models(0x300 << CONTEXT_BITS);
  readonly isMatch = models(STATES << 4);
  readonly isRepeat = models(STATES);
  readonly isOlder = models(STATES);
  readonly isSecond = models(STATES);
  readonly isThird = models(STATES);
  readonly isLong = models(STATES << 4);
  readonly lengths = new Lengths();
  readonly repeatLengths = new Lengths();
  readonly distances = new Distances();
  readonly recent = [0, 0, 0, 0];
  state = 0;
}

class Encoder {
  readonly #bytes: Uint8Array;
  readonly #matches: Matches;
  readonly #coder = new RangeEncoder(PACKED);
  #learned = new Learned();
  #now = noChoice();
  #next = noChoice();
  /** What is best at `at` is known already. */
  #isChosen = false;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#matches = new Matches(bytes);
  }

  /** The next chunk, from `at`. */
  chunk(): Uint8Array {
    const end = Math.min(this.#bytes.length, this.at + PLAIN - STEP_PLAIN);
    while (this.at < end && this.#coder.length < PACKED - STEP_PACKED) this.#step();
    return this.#coder.end();
  }

  forget(): void {
    this.#learned = new Learned();
    this.#isChosen = false;
  }

  #step(): void {
    const { recent } = this.#learned;
    if (!this.#isChosen) this.#matches.choose(this.at, recent, this.#now);
    this.#isChosen = false;
    const now = this.#now;
    if (now.length > 1 && !this.#isBetterNext()) this.#tell(now);
    else this.#literal();
  }

  /** Whether more is gained one byte later: then that is what comes next. */
  #isBetterNext(): boolean {
    if (this.at + 1 === this.#bytes.length) return false;
    const [now, next] = [this.#now, this.#next];
    this.#matches.choose(this.at + 1, this.#learned.recent, next);
    if (next.gain <= now.gain + 1) return false;
    [this.#now, this.#next] = [next, now];
    this.#isChosen = true;
    return true;
  }

  #tell(choice: Choice): void {
    if (choice.recent >= 0) this.#repeat(choice);
    else this.#match(choice);
    this.at += choice.length;
  }

  /** After a match the bits are told by those of the byte that would come if it went on. */
  #literal(): void {
    const learned = this.#learned;
    const { literals, state } = learned;
    const coder = this.#coder;
    const byte = this.#bytes[this.at]!;
    const before = this.at > 0 ? this.#bytes[this.at - 1]! : 0;
    const start = 0x300 * (before >> (8 - CONTEXT_BITS));
    coder.bit(learned.isMatch, state << 4, 0);
    let symbol = 1;
    let place = 7;
    if (state >= 7) {
      const other = this.#bytes[this.at - learned.recent[0]! - 1]!;
      for (let isSame = true; place >= 0 && isSame; place--) {
        const expected = (other >> place) & 1;
        const bit = (byte >> place) & 1;
        coder.bit(literals, start + ((1 + expected) << 8) + symbol, bit);
        symbol = symbol * 2 + bit;
        isSame = bit === expected;
      }
    }
    for (; place >= 0; place--) {
      const bit = (byte >> place) & 1;
      coder.bit(literals, start + symbol, bit);
      symbol = symbol * 2 + bit;
    }
    learned.state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
    this.at += 1;
  }

  #match({ length, distance }: Choice): void {
    const learned = this.#learned;
    const { state, recent } = learned;
    const coder = this.#coder;
    coder.bit(learned.isMatch, state << 4, 1);
    coder.bit(learned.isRepeat, state, 0);
    learned.lengths.write(coder, length - SHORTEST);
    learned.distances.write(coder, distance, length - SHORTEST);
    recent.pop();
    recent.unshift(distance);
    learned.state = state < 7 ? 7 : 10;
  }

  #repeat({ length, recent: place }: Choice): void {
    const learned = this.#learned;
    const { state, recent } = learned;
    const coder = this.#coder;
    coder.bit(learned.isMatch, state << 4, 1);
    coder.bit(learned.isRepeat, state, 1);
    coder.bit(learned.isOlder, state, place === 0 ? 0 : 1);
    if (place === 0) coder.bit(learned.isLong, state << 4, 1);
    else {
      coder.bit(learned.isSecond, state, place === 1 ? 0 : 1);
      if (place > 1) coder.bit(learned.isThird, state, place - 2);
    }
    learned.repeatLengths.write(coder, length - SHORTEST);
    const [distance] = recent.splice(place, 1);
    recent.unshift(distance!);
    learned.state = state < 7 ? 8 : 11;
  }
}

function noChoice(): Choice {
  return { length: 1, distance: 0, recent: -1, gain: 0 };
}
