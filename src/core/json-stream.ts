// Reads a JSON object of any size from its bytes, one value at a time. RFC 8259
// A packument may have 105 MB: parsed whole it would take ten times that in memory and stop everything else for seconds.
import { JSON_DEPTH } from "./json.ts";
import { Problem } from "./problem.ts";

/** What the document is made of, in its own order. */
export interface JsonField {
  kind: "field";
  key: string;
  value: unknown;
}

/** From the one object that is walked. */
export type JsonEntry =
  | { kind: "open" }
  | { kind: "entry"; key: string; value: unknown }
  | { kind: "close" };

/** From the one array that is walked: the next of its elements. */
export type JsonItems = { kind: "open" } | { kind: "items"; values: unknown[] };

const VALUE_LIMIT = 64 * 1024 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const END = -1;
const OPEN = Buffer.from("[");
const CLOSE = Buffer.from("]");

/**
 * The fields of the top-level object; of the field `walked` its entries, each parsed alone. Holds one value at a time, 64 MiB
 * at most. Throws Problem("malformed") for anything that JSON.parse would refuse, and for a field or entry that comes twice.
 */
export function readJsonObject(
  chunks: AsyncIterable<Uint8Array>,
  walked: string,
): AsyncGenerator<JsonField | JsonEntry> {
  return read(chunks, walked, OPEN_OBJECT, walkObject);
}

/**
 * The same where the field `walked` is an array: its elements, as many at a time as lie within one chunk. Where it is no array it is
 * a field like the others.
 */
export function readJsonList(
  chunks: AsyncIterable<Uint8Array>,
  walked: string,
): AsyncGenerator<JsonField | JsonItems> {
  return read(chunks, walked, OPEN_ARRAY, walkArray);
}

async function* read<Event>(
  chunks: AsyncIterable<Uint8Array>,
  walked: string,
  opening: number,
  walk: (cursor: Cursor) => AsyncGenerator<Event>,
): AsyncGenerator<JsonField | Event> {
  const cursor = new Cursor(chunks[Symbol.asyncIterator]());
  const fields = new Set<string>();
  try {
    await cursor.expect(OPEN_OBJECT);
    for (let first = true; await cursor.hasNext(first, CLOSE_OBJECT); first = false) {
      const key = await cursor.key(fields);
      if (key === walked && (await cursor.peek()) === opening) yield* walk(cursor);
      else yield { kind: "field", key, value: parse(await cursor.value()) };
    }
    if ((await cursor.peek()) !== END) throw malformed("something follows its end");
  } finally {
    await cursor.close();
  }
}

async function* walkObject(cursor: Cursor): AsyncGenerator<JsonEntry> {
  yield { kind: "open" };
  await cursor.expect(OPEN_OBJECT);
  const entries = new Set<string>();
  for (let first = true; await cursor.hasNext(first, CLOSE_OBJECT); first = false) {
    const key = await cursor.key(entries);
    yield { kind: "entry", key, value: parse(await cursor.value()) };
  }
  yield { kind: "close" };
}

async function* walkArray(cursor: Cursor): AsyncGenerator<JsonItems> {
  yield { kind: "open" };
  await cursor.expect(OPEN_ARRAY);
  for (let first = true; await cursor.hasNext(first, CLOSE_ARRAY); first = false) {
    yield { kind: "items", values: [parse(await cursor.value())] };
    const more = cursor.valuesAtHand();
    if (more.length) yield { kind: "items", values: parse(more) as unknown[] };
  }
}

/** A place in the bytes. Values that lie within one chunk are not copied. */
class Cursor {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks;
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
      if (size > VALUE_LIMIT) throw malformed("one of its values is larger than 64 MiB");
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

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new Problem("malformed", "The document is not JSON", { cause: error });
  }
}

function name(byte: number): string {
  return byte === END ? "its end" : JSON.stringify(String.fromCharCode(byte));
}

function malformed(reason: string): Problem {
  return new Problem("malformed", `The document is not JSON as expected: ${reason}`);
}
