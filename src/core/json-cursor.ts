// A place in the bytes of a JSON text that comes piece by piece. RFC 8259
import { JSON_DEPTH } from "./json.ts";
import { Problem } from "./problem.ts";

const VALUE_LIMIT = 64 * 1024 * 1024;

export const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
export const END = -1;
const OPEN = Buffer.from("[");
const CLOSE = Buffer.from("]");

/** A place in the bytes. Values that lie within one chunk are not copied. */
export class Cursor {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #limit: number;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** `limit`: of one value, in bytes. */
  constructor(chunks: AsyncIterator<Uint8Array>, limit = VALUE_LIMIT) {
    this.#chunks = chunks;
    this.#limit = limit;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #load(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#at = 0;
    return true;
  }

  /** The next byte that is not white space, which is not consumed. */
  async peek(): Promise<number> {
    for (;;) {
      this.#at = afterSpace(this.#bytes, this.#at);
      if (this.#at < this.#bytes.length) return this.#bytes[this.#at]!;
      if (!(await this.#load())) return END;
    }
  }

  async expect(byte: number): Promise<void> {
    const found = await this.peek();
    if (found !== byte) throw malformed(`expected ${name(byte)}, found ${name(found)}`);
    this.#at++;
  }

  /** Moves to the next member of an object or element of an array, or past its end. */
  async hasNext(first: boolean, closing: number): Promise<boolean> {
    const byte = await this.peek();
    if (byte === closing) {
      this.#at++;
      return false;
    }
    if (!first) await this.expect(COMMA);
    return true;
  }

  /** The key of a member; `before` are those that came before it. */
  async key(before: Set<string>): Promise<string> {
    if ((await this.peek()) !== QUOTE) throw malformed("a key is not a string");
    const key = parse(await this.value()) as string;
    // Of two members with one name, two readers could each believe another one.
    if (before.has(key)) throw malformed(`two members are named ${JSON.stringify(key)}`);
    before.add(key);
    await this.expect(COLON);
    return key;
  }

  /** The bytes of the next value. Valid until the next call. */
  async value(): Promise<Buffer> {
    const first = await this.peek();
    if (first === END) throw malformed("it ends in the middle");
    const scan: Scan = { depth: 0, inString: false, escaped: false, scalar: isScalar(first) };
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const start = this.#at;
      const end = scanValue(this.#bytes, start, scan);
      const part = this.#bytes.subarray(start, end === END ? undefined : end);
      size += part.length;
      if (size > this.#limit)
        throw malformed(`one of its values is larger than ${this.#limit / 2 ** 20} MiB`);
      if (end !== END) {
        this.#at = end;
        return parts.length ? Buffer.concat([...parts, part], size) : part;
      }
      parts.push(part);
      if (!(await this.#load())) {
        // A number at the very end has no end of its own; what follows decides whether that is right.
        if (!scan.scalar) throw malformed("it ends in the middle");
        this.#at = this.#bytes.length;
        return Buffer.concat(parts, size);
      }
    }
  }

  /** The characters of a string of any length, as they come. Of escapes it may hold that of a slash alone (base64 has no other). */
  async *text(): AsyncGenerator<string> {
    await this.expect(QUOTE);
    let isEscaped = false;
    for (;;) {
      if (this.#at >= this.#bytes.length && !(await this.#load()))
        throw malformed("it ends in the middle");
      const from = this.#at;
      const quote = this.#bytes.indexOf(QUOTE, from);
      const end = quote < 0 ? this.#bytes.length : quote;
      const part = this.#bytes.toString("latin1", from, end);
      this.#at = quote < 0 ? end : end + 1;
      if (part.includes("\\") || isEscaped) {
        const whole: string = (isEscaped ? "\\" : "") + part;
        isEscaped = whole.endsWith("\\") && quote < 0;
        const plain = (isEscaped ? whole.slice(0, -1) : whole).replaceAll("\\/", "/");
        if (plain.includes("\\")) throw malformed("a text that should be base64 is not");
        yield plain;
      } else yield part;
      if (quote >= 0) return;
    }
  }

  /** The elements of an array that follow, each with the comma before it, and are whole in the chunk at hand: as an array, or nothing. */
  valuesAtHand(): Buffer {
    const bytes = this.#bytes;
    const start = this.#at;
    let end = start;
    for (;;) {
      const comma = afterSpace(bytes, end);
      if (bytes[comma] !== COMMA) break;
      const first = afterSpace(bytes, comma + 1);
      if (first >= bytes.length) break;
      const scalar = isScalar(bytes[first]!);
      const next = scanValue(bytes, first, { depth: 0, inString: false, escaped: false, scalar });
      if (next === END || next === first) break; // what is cut, or no value, is for the slow way to tell
      end = next;
    }
    this.#at = end;
    if (end === start) return Buffer.alloc(0);
    return Buffer.concat([OPEN, bytes.subarray(afterSpace(bytes, start) + 1, end), CLOSE]);
  }
}

interface Scan {
  depth: number;
  inString: boolean;
  /** The last byte was a backslash within a string. */
  escaped: boolean;
  /** A number, true, false or null: ends before a delimiter. */
  scalar: boolean;
}

function afterSpace(bytes: Buffer, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return at;
}

function isScalar(byte: number): boolean {
  return byte !== QUOTE && byte !== OPEN_OBJECT && byte !== OPEN_ARRAY;
}

/** The index behind the value's last byte, or END when it goes on in the next chunk. What is well-formed is for JSON.parse to say. */
function scanValue(bytes: Buffer, start: number, scan: Scan): number {
  const end = bytes.length;
  let at = start;
  if (scan.scalar) {
    while (at < end && !isDelimiter(bytes[at]!)) at++;
    return at < end ? at : END;
  }
  let { depth, inString } = scan;
  if (scan.escaped && at < end) {
    at++;
    scan.escaped = false;
  }
  while (at < end) {
    const byte = bytes[at++]!;
    if (inString) {
      if (byte === BACKSLASH) {
        if (at === end) scan.escaped = true;
        at++;
      } else if (byte === QUOTE) {
        inString = false;
        if (depth === 0) return at;
      }
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > JSON_DEPTH) throw malformed(`it is nested deeper than ${JSON_DEPTH}`);
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (--depth === 0) return at;
    }
  }
  scan.depth = depth;
  scan.inString = inString;
  return END;
}

function isDelimiter(byte: number): boolean {
  return (
    byte === COMMA ||
    byte === CLOSE_OBJECT ||
    byte === CLOSE_ARRAY ||
    byte === COLON ||
    byte === QUOTE ||
    byte <= 0x20
  );
}

export function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new Problem("malformed", "The document is not JSON", { cause: error });
  }
}

function name(byte: number): string {
  return byte === END ? "its end" : JSON.stringify(String.fromCharCode(byte));
}

export function malformed(reason: string): Problem {
  return new Problem("malformed", `The document is not JSON as expected: ${reason}`);
}
