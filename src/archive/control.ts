// Reads deb822 paragraphs: Packages, Sources, Release, .dsc. deb-control(5), deb822(5)
import { Problem } from "../core/problem.ts";

/** Longest line and longest paragraph, in bytes. Far beyond what archives have. */
const LINE_LIMIT = 4 * 2 ** 20;
const PARAGRAPH_LIMIT = 64 * 2 ** 20;
/** Of a paragraph that is read with all its fields. */
const FIELDS_LIMIT = 1000;

const RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const HASH = 0x23;

/**
 * The wanted fields of one paragraph, in the order of the names that were asked for; null where it has none. As Latin-1 text of the
 * bytes: see `utf8`. Lines of a value are separated by "\n" and keep no space around them.
 */
export type Fields = (string | null)[];

/** Told why something is left out; throws to refuse all of it. */
export type LeaveOut = (reason: string) => void;

function refuse(reason: string): never {
  throw bad(reason);
}

/**
 * The paragraphs of a file, with only the fields that are `wanted`, whatever their case. Yields them in groups, one for every chunk
 * that ended some, so that tens of thousands cost no await each. Of a field that comes twice, the later one counts, as in apt. A paragraph
 * with a line that is neither a field nor part of one is left out as `leaveOut` is told of it; without that, and past the limits,
 * Problem("malformed").
 */
export async function* paragraphs(
  chunks: AsyncIterable<Uint8Array>,
  wanted: readonly string[],
  leaveOut: LeaveOut = refuse,
): AsyncGenerator<Fields[]> {
  const reader = new Reader(wanted, leaveOut);
  let held = "";
  for await (const chunk of chunks) {
    const text =
      held + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
    const end = reader.lines(text);
    held = text.slice(end);
    if (held.length > LINE_LIMIT) throw bad("a line is too long");
    const found = reader.take();
    if (found.length) yield found;
  }
  if (held) reader.lines(`${held}\n`);
  reader.end();
  const found = reader.take();
  if (found.length) yield found;
}

/**
 * All fields of the first paragraph of a text, under the names as they are spelled. Empty when there is none. A line that is no field is
 * left out with all that continues it, as `leaveOut` is told of it; without that, and past the limits, Problem("malformed").
 */
export function firstParagraph(text: string, leaveOut: LeaveOut = refuse): Map<string, string> {
  const fields = new Map<string, string>();
  let last: string | null = null;
  let isLeftOut = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    if (line === "" && fields.size > 0) break;
    if (line === "") continue;
    if (/^[ \t]/.test(line)) {
      if (last !== null) fields.set(last, `${fields.get(last)}\n${line.trim()}`);
      else if (!isLeftOut) leaveOut("it begins with a continuation line");
      continue;
    }
    const match = /^([!-9;-~]+)[ \t]*:(.*)$/.exec(line);
    isLeftOut = !match;
    last = match ? match[1]! : null;
    if (!match || last === null) {
      leaveOut(`it has the line ${excerpt(line)}`);
      continue;
    }
    if (fields.size >= FIELDS_LIMIT) throw bad(`it has more than ${FIELDS_LIMIT} fields`);
    fields.set(last, match[2]!.trim());
  }
  return fields;
}

/** The same Latin-1 text as a string of its own: a piece of a chunk's text would keep all of that in memory. */
export function own(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("latin1");
}

/** What Latin-1 text of bytes says as UTF-8. */
export function utf8(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, "latin1").toString("utf8") : latin1;
}

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a control file: ${reason}`);
}

class Reader {
  readonly #width: number;
  readonly #leaveOut: LeaveOut;
  /** The paragraph that is being read is left out. */
  #isBroken = false;
  /** By the name as it is spelled; -1 for those that nobody wants. */
  readonly #places = new Map<string, number>();
  readonly #wanted: Map<string, number>;
  #found: Fields[] = [];
  #fields: Fields;
  /** Of the field that a continuation line belongs to: -2 when there is none. */
  #place = -2;
  #size = 0;
  #count = 0;

  constructor(wanted: readonly string[], leaveOut: LeaveOut) {
    this.#width = wanted.length;
    this.#leaveOut = leaveOut;
    this.#wanted = new Map(wanted.map((name, place) => [name.toLowerCase(), place]));
    this.#fields = this.#empty();
  }

  #empty(): Fields {
    return new Array<string | null>(this.#width).fill(null);
  }

  take(): Fields[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  /** Reads the whole lines of a text, and says where the last one ends. */
  lines(text: string): number {
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#line(text, start, end);
      start = end + 1;
    }
    return start;
  }

  end(): void {
    if (this.#place === -2 && !this.#isBroken) return;
    if (!this.#isBroken) this.#found.push(this.#fields);
    this.#isBroken = false;
    this.#fields = this.#empty();
    this.#place = -2;
    this.#size = 0;
    this.#count++;
  }

  #line(text: string, start: number, newline: number): void {
    const end = newline > start && text.charCodeAt(newline - 1) === RETURN ? newline - 1 : newline;
    if (end === start) {
      this.end();
      return;
    }
    if (end - start > LINE_LIMIT) throw bad(`a line of ${this.#name()} is too long`);
    this.#size += end - start;
    if (this.#size > PARAGRAPH_LIMIT) throw bad(`${this.#name()} is too long`);
    if (this.#isBroken) return;
    const first = text.charCodeAt(start);
    if (first === HASH) return;
    if (first === SPACE || first === TAB) {
      if (this.#place === -2) {
        this.#break(`${this.#name()} begins with a continuation line`);
        return;
      }
      if (this.#place >= 0) this.#fields[this.#place] += `\n${text.slice(start, end).trim()}`;
      return;
    }
    const colon = text.indexOf(":", start);
    if (colon <= start || colon >= end) {
      this.#break(`${this.#name()} has the line ${excerpt(text.slice(start, end))}`);
      return;
    }
    const name = text.slice(start, colon).trimEnd();
    const place = this.#placeOf(name);
    if (place === null) {
      this.#break(`${this.#name()} has a field named ${excerpt(name)}`);
      return;
    }
    this.#place = place;
    if (place < 0) return;
    this.#fields[this.#place] = text.slice(colon + 1, end).trim();
  }

  #break(reason: string): void {
    this.#leaveOut(reason);
    this.#isBroken = true;
  }

  /** Null when it is no name of a field. */
  #placeOf(name: string): number | null {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    if (!/^[!-~]+$/.test(name)) return null;
    const place = this.#wanted.get(name.toLowerCase()) ?? -1;
    // Names that a file makes up must not fill the memory.
    if (this.#places.size < 1000) this.#places.set(name, place);
    return place;
  }

  #name(): string {
    return `paragraph ${this.#count + 1}`;
  }
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
