// Reads tar archives in one pass: POSIX ustar and pax (IEEE 1003.1), with GNU's long names. Strict: what is broken is no archive.
import { Problem } from "../core/problem.ts";

export interface TarEntry {
  /** As UTF-8. Never a path to write to. */
  name: string;
  type: "file" | "directory" | "symlink" | "hardlink" | "other";
  /** What a link points at; empty for what is none. */
  target: string;
  /** Permission bits. */
  mode: number;
  size: number;
  /** What readers make different things of: names for those that know no extended headers. Empty for ordinary entries. */
  also: string;
  /** Its bytes, `size` of them: to be read whole, once, or not at all. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** What an archive may cost its reader. Past a limit is Problem("malformed"). */
export interface TarLimits {
  entries: number;
  /** Of the pax headers and long names of one entry, in bytes. */
  headerSize: number;
  /**
   * Whether what readers make different things of is Problem("malformed"): entries behind the first block of zeros, kinds that only some know, a
   * prefix that only some read. For archives that nobody has vouched for yet.
   */
  isStrict?: boolean;
}

export const tarLimits: TarLimits = { entries: 250_000, headerSize: 1024 * 1024 };

const BLOCK = 512;
const TYPES: Record<string, TarEntry["type"]> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "directory",
};

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable tar archive: ${reason}`);
}

/** Entries in the archive's order. An entry's bytes are to be read before the next entry is. */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits: TarLimits = tarLimits,
): AsyncGenerator<TarEntry> {
  const input = createInput(source);
  let count = 0;
  /** Bytes of extended headers since the last entry. */
  let extra = 0;
  let global = new Map<string, string>();
  let local = new Map<string, string>();
  try {
    for (;;) {
      const block = await input.block();
      // The end is two blocks of zeros; some writers leave them out.
      if (block === null || isZero(block)) return await input.drain(limits.isStrict === true);
      const header = readHeader(block);
      if (limits.isStrict && (header.isOdd || !"\x000127LKxg5".includes(header.flag)))
        throw bad("an entry that clients read in different ways");
      if (["x", "g", "L", "K"].includes(header.flag)) {
        extra += header.size + BLOCK;
        if (extra > limits.headerSize) throw bad("its extended headers are too large");
        const bytes = await input.whole(header.size);
        if (header.flag === "g") global = new Map([...global, ...readPax(bytes)]);
        else if (header.flag === "x") local = new Map([...local, ...readPax(bytes)]);
        else local.set(header.flag === "L" ? "path" : "linkpath", nameOf(bytes));
        continue;
      }
      extra = 0;
      count += 1;
      if (count > limits.entries) throw bad(`more than ${limits.entries} entries`);
      const extended = new Map([...global, ...local]);
      local = new Map();
      const size = extended.has("size") ? wholeNumber(extended.get("size")!) : header.size;
      const chunks = input.content(size);
      yield {
        name: extended.get("path") ?? header.name,
        type: TYPES[header.flag] ?? "other",
        target: extended.get("linkpath") ?? header.target,
        mode: header.mode,
        size,
        also: alsoOf(header, extended),
        chunks: () => chunks,
      };
      for await (const _ of chunks); // what was not read
    }
  } finally {
    await input.close();
  }
}

const EXTENDED = ["path", "linkpath", "size"];

function alsoOf(header: Header, extended: Map<string, string>): string {
  const { name, target, size, flag, also } = header;
  const isPlain = !EXTENDED.some((key) => extended.has(key)) && "012".includes(flag);
  return isPlain ? also : JSON.stringify([name, target, size, flag, also]);
}

interface Header {
  also: string;
  /** It says that it is of POSIX, in a version that POSIX does not have. */
  isOdd: boolean;
  name: string;
  mode: number;
  size: number;
  flag: string;
  target: string;
}

function readHeader(block: Uint8Array): Header {
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 32 : block[at]!;
  if (octal(block, 148, 8) !== sum) throw bad("a header's checksum is wrong");
  const isPosix = textOf(block.subarray(257, 263)) === "ustar" && block[262] === 0;
  const field = nameOf(block.subarray(345, 500));
  const prefix = isPosix ? field : "";
  const name = nameOf(block.subarray(0, 100));
  const flag = String.fromCharCode(block[156]!);
  const isLink = flag === "1" || flag === "2";
  if ((isLink || flag === "5") && octal(block, 124, 12) !== 0)
    throw bad("a link or a folder with bytes of its own");
  return {
    // GNU has something else there, which PHP takes for the prefix all the same.
    also: isPosix ? "" : field,
    isOdd: isPosix && prefix !== "" && textOf(block.subarray(263, 265)) !== "00",
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: octal(block, 100, 8) & 0o7777,
    size: octal(block, 124, 12),
    flag,
    target: isLink ? nameOf(block.subarray(157, 257)) : "",
  };
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

/** As UTF-8; as Latin-1 behind a NUL, which no name holds, when it is not UTF-8: two names are never one. */
function nameOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const raw = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return `\0${Buffer.from(raw).toString("latin1")}`;
  }
}

/** Octal digits, or base 256 where the first bit is set (GNU). */
function octal(block: Uint8Array, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  if (field[0]! & 0x80) {
    let value = field[0]! & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw bad("a number that no file has");
    return value;
  }
  const text = textOf(field).trim();
  if (!/^[0-7]*$/.test(text)) throw bad("a number that is none");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

/** "length key=value\n", again and again; the length is that of the whole record. */
function readPax(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? 0 : wholeNumber(textOf(bytes.subarray(at, space)));
    const end = at + length;
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a)
      throw bad("an extended header is broken");
    const record = bytes.subarray(space + 1, end - 1);
    const equals = record.indexOf(0x3d);
    const key = textOf(record.subarray(0, Math.max(0, equals)));
    const isName = key === "path" || key === "linkpath";
    const value = record.subarray(equals + 1);
    if (equals < 1 || (isName && value.includes(0))) throw bad("an extended header is broken");
    if (EXTENDED.includes(key)) records.set(key, isName ? nameOf(value) : textOf(value));
    at = end;
  }
  return records;
}

function wholeNumber(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw bad("a number that is none");
  return value;
}

/** A stream of any pieces, read in blocks. */
function createInput(source: AsyncIterable<Uint8Array>) {
  const pieces = source[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);

  /** Up to `most` bytes, as they come; null at the end. */
  async function some(most: number): Promise<Uint8Array | null> {
    while (held.length === 0) {
      const next = await pieces.next();
      if (next.done) return null;
      held = next.value;
    }
    const taken = held.subarray(0, most);
    held = held.subarray(taken.length);
    return taken;
  }

  async function exactly(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await some(missing);
      if (part === null) throw bad("it ends early");
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async function* content(size: number): AsyncGenerator<Uint8Array> {
    for (let missing = size; missing > 0; ) {
      const part = await some(missing);
      if (part === null) throw bad("it ends early");
      missing -= part.length;
      yield part;
    }
    await exactly((BLOCK - (size % BLOCK)) % BLOCK);
  }

  return {
    /** The next header; null at the end. */
    async block(): Promise<Uint8Array | null> {
      const first = await some(BLOCK);
      if (first === null || first.length === BLOCK) return first;
      return Buffer.concat([first, await exactly(BLOCK - first.length)]);
    },
    async whole(size: number): Promise<Uint8Array> {
      const parts: Uint8Array[] = [];
      for await (const part of content(size)) parts.push(part);
      return Buffer.concat(parts);
    },
    content,
    /** To the end, so that whatever packed the archive is read whole. */
    /** `mustBeZero`: Problem("malformed") for anything else there. */
    async drain(mustBeZero = false): Promise<void> {
      for (;;) {
        const rest = await some(BLOCK * BLOCK);
        if (rest === null) return;
        if (mustBeZero && !isZero(rest)) throw bad("something follows its end");
      }
    },
    async close(): Promise<void> {
      await pieces.return?.();
    },
  };
}
