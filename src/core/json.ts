// JSON that others gave, checked before it is parsed: what nests without end or never ends itself costs seconds, or the stack. RFC 8259 §9

/** Levels of arrays and objects. What people write has twenty, a lock file's tree of dependencies a hundred. */
export const JSON_DEPTH = 512;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Why the text is not to be parsed, in words that follow "the JSON", or null. `values`: the most commas that it may have outside of texts,
 * which bound its entries. `levels`: fewer than `JSON_DEPTH` for what becomes a part of something else. Says nothing of whether it is well-formed.
 */
export function jsonFault(
  bytes: Uint8Array,
  values = Number.POSITIVE_INFINITY,
  levels = JSON_DEPTH,
): string | null {
  const end = bytes.length;
  let depth = 0;
  let commas = 0;
  for (let at = 0; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      for (at++; at < end && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (++depth > levels) return `is nested deeper than ${levels}`;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      if (depth > 0) depth--;
    } else if (byte === COMMA && ++commas >= values) return `has more than ${values} values`;
  }
  return null;
}

/** As JSON.parse, of bytes that were checked. Throws SyntaxError for what is no JSON and for what `jsonFault` finds. */
export function readJson(bytes: Uint8Array, values?: number, levels?: number): unknown {
  const fault = jsonFault(bytes, values, levels);
  if (fault !== null) throw new SyntaxError(`The JSON ${fault}`);
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
}
