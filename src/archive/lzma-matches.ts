// Where what comes stood before: chains of the places that begin with the same four bytes, the nearest first.

/** Bytes that two places have in common at least, for a chain to name them. */
const BEGINNING = 4;
/** What one match can tell. */
export const LONGEST = 273;
/** Longer ones are not looked for. */
const ENOUGH = 128;
/** Places that are looked at. */
const DEPTH = 32;
const HASH_BITS = 16;

/** What is gained over literals, in bits as they are for text. */
const LITERAL = 5;
const MATCH = 11;

/** What may be told next. A literal: `length` 1 and no gain. */
export interface Choice {
  length: number;
  /** Less one. */
  distance: number;
  /** Which of the recent distances it is; -1: none. */
  recent: number;
  gain: number;
}

export class Matches {
  readonly #bytes: Uint8Array;
  readonly #heads = new Int32Array(1 << HASH_BITS).fill(-1);
  readonly #before: Int32Array;
  #known = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#before = new Int32Array(bytes.length);
  }

  /** The best for this place, into `choice`. Places are asked for in order. */
  choose(at: number, recent: readonly number[], choice: Choice): void {
    choice.length = 1;
    choice.recent = -1;
    choice.gain = 0;
    while (this.#known < at) this.#learn(this.#known++);
    for (let place = 0; place < recent.length; place++) {
      const from = at - recent[place]! - 1;
      if (from < 0) continue;
      const length = this.#common(from, at);
      const gain = length * LITERAL - 5 - 2 * place;
      if (length < 2 || gain <= choice.gain) continue;
      choice.length = length;
      choice.distance = recent[place]!;
      choice.recent = place;
      choice.gain = gain;
    }
    if (choice.length < ENOUGH) this.#search(at, choice);
  }

  #search(at: number, choice: Choice): void {
    if (at + BEGINNING > this.#bytes.length) return;
    const bytes = this.#bytes;
    let longest = BEGINNING - 1;
    let from = this.#heads[this.#hash(at)]!;
    for (let left = DEPTH; from >= 0 && left > 0; left--, from = this.#before[from]!) {
      if (bytes[from + longest] !== bytes[at + longest]) continue;
      const length = this.#common(from, at);
      if (length <= longest) continue;
      longest = length;
      const distance = at - from - 1;
      const gain = length * LITERAL - MATCH - (31 - Math.clz32(distance + 1));
      if (gain > choice.gain) {
        choice.length = length;
        choice.distance = distance;
        choice.recent = -1;
        choice.gain = gain;
      }
      if (length >= ENOUGH) return;
    }
  }

  #common(from: number, at: number): number {
    const bytes = this.#bytes;
    const most = Math.min(LONGEST, bytes.length - at);
    let length = 0;
    while (length < most && bytes[from + length] === bytes[at + length]) length++;
    return length;
  }

  #learn(at: number): void {
    if (at + BEGINNING > this.#bytes.length) return;
    const hash = this.#hash(at);
    this.#before[at] = this.#heads[hash]!;
    this.#heads[hash] = at;
  }

  #hash(at: number): number {
    const bytes = this.#bytes;
    const four =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    return Math.imul(four, 0x9e37_79b1) >>> (32 - HASH_BITS);
  }
}
