// The range coder of LZMA, telling: each bit takes as little room as a model of it expects it. https://www.7-zip.org/sdk.html: lzma-specification

/** Of a model: a bit of which nothing is known yet. */
const EVEN = 1024;

export function models(count: number): Uint16Array {
  return new Uint16Array(count).fill(EVEN);
}

/** Writes at most `limit` bytes before its end is asked for: who tells it things looks at `length`. */
export class RangeEncoder {
  readonly #bytes: Uint8Array;
  #size = 0;
  /** Of 33 bits: the highest is a carry. */
  #low = 0;
  #range = 0xffff_ffff;
  /** The byte that a carry may still change, and how many of 0xff follow it. A stream begins with a 0. */
  #held = 0;
  #full = 0;

  constructor(limit: number) {
    this.#bytes = new Uint8Array(limit);
  }

  /** Bytes, when it ends here. */
  get length(): number {
    return this.#size + this.#full + 5;
  }

  bit(known: Uint16Array, place: number, bit: number): void {
    const model = known[place]!;
    const bound = (this.#range >>> 11) * model;
    if (bit === 0) {
      this.#range = bound;
      known[place] = model + ((2048 - model) >> 5);
    } else {
      this.#low += bound;
      this.#range -= bound;
      known[place] = model - (model >> 5);
    }
    this.#normalise();
  }

  /** Bits that are as likely as not. */
  direct(value: number, count: number): void {
    for (let place = count - 1; place >= 0; place--) {
      this.#range >>>= 1;
      if ((value >>> place) & 1) this.#low += this.#range;
      this.#normalise();
    }
  }

  tree(known: Uint16Array, start: number, bits: number, value: number): void {
    let node = 1;
    for (let place = bits - 1; place >= 0; place--) {
      const bit = (value >>> place) & 1;
      this.bit(known, start + node, bit);
      node = node * 2 + bit;
    }
  }

  /** The lowest bit first. */
  reverseTree(known: Uint16Array, start: number, bits: number, value: number): void {
    let node = 1;
    for (let place = 0; place < bits; place++) {
      const bit = (value >>> place) & 1;
      this.bit(known, start + node, bit);
      node = node * 2 + bit;
    }
  }

  /** What was told since the last end. */
  end(): Uint8Array {
    for (let place = 0; place < 5; place++) this.#shift();
    const bytes = this.#bytes.slice(0, this.#size);
    this.#size = 0;
    this.#low = 0;
    this.#range = 0xffff_ffff;
    this.#held = 0;
    this.#full = 0;
    return bytes;
  }

  #normalise(): void {
    if (this.#range >= 2 ** 24) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#shift();
  }

  #shift(): void {
    if (this.#low < 0xff00_0000 || this.#low > 0xffff_ffff) {
      const carry = this.#low > 0xffff_ffff ? 1 : 0;
      this.#bytes[this.#size++] = this.#held + carry;
      for (; this.#full > 0; this.#full--) this.#bytes[this.#size++] = 0xff + carry;
      this.#held = (this.#low >>> 24) & 0xff;
    } else this.#full += 1;
    this.#low = (this.#low & 0x00ff_ffff) * 256;
  }
}
