// Reads a Release file: the dates of a suite and the hashes of its indices. https://wiki.debian.org/DebianRepository/Format
import { firstParagraph } from "../../archive/control.ts";
import { Problem } from "../../core/problem.ts";
import { cleanPath } from "./index-names.ts";

export interface ReleaseFile {
  /** Hexadecimal, lower case. */
  sha256: string;
  size: number;
}

export interface Release {
  /** All of them, under the names as they are spelled there, without the checksums. */
  fields: Map<string, string>;
  /** Milliseconds since the epoch. */
  date: number;
  validUntil: number | null;
  suite: string | null;
  codename: string | null;
  origin: string | null;
  label: string | null;
  architectures: string[];
  components: string[];
  /** Acquire-By-Hash: indices stand under their hashes too. */
  byHash: boolean;
  /** By path, in the Release's own order. */
  files: Map<string, ReleaseFile>;
  /** "MD5Sum/<hex>", "SHA1/<hex>", "SHA512/<hex>", as in by-hash paths → SHA-256. */
  aliases: Map<string, string>;
}

const HEX_LENGTH = { MD5Sum: 32, SHA1: 40, SHA256: 64, SHA512: 128 };
type Algorithm = keyof typeof HEX_LENGTH;
const ALGORITHMS = Object.keys(HEX_LENGTH) as Algorithm[];

const OWN_FILES = new Set(["Release", "Release.gpg", "InRelease"]);

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DATE =
  /^(?:[a-z]{3,9},?\s+)?(\d{1,2})\s+([a-z]{3})[a-z]*\s+(\d{4})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(?:UTC|GMT|Z|[+-]0000)$/i;

/**
 * Throws Problem("malformed") for what is no Release file (a login page), has no usable Date or Valid-Until, names a path outside of
 * its folder, or gives no SHA-256: like apt, we take nothing on the word of MD5 or SHA-1, and a SHA-512 alone is not enough here because
 * indices are known by their SHA-256.
 */
export function parseRelease(text: string): Release {
  const all = paragraph(text);
  const get = (name: string): string | null => {
    for (const [key, value] of all) if (key.toLowerCase() === name.toLowerCase()) return value;
    return null;
  };
  const sections = new Map<Algorithm, Map<string, Line>>();
  for (const algorithm of ALGORITHMS) {
    const value = get(algorithm);
    if (value !== null) sections.set(algorithm, parseSection(algorithm, value));
  }
  const strong = sections.get("SHA256");
  if (!strong) throw bad(noHash([...sections.keys()]));
  const date = get("Date");
  if (date === null) throw bad("it has no Date");
  const validUntil = get("Valid-Until");
  const isSection = (name: string) =>
    ALGORITHMS.some((algorithm) => algorithm.toLowerCase() === name.toLowerCase());
  return {
    fields: new Map([...all].filter(([name]) => !isSection(name))),
    date: dateField("Date", date),
    validUntil: validUntil === null ? null : dateField("Valid-Until", validUntil),
    suite: get("Suite"),
    codename: get("Codename"),
    origin: get("Origin"),
    label: get("Label"),
    architectures: words(get("Architectures")),
    components: words(get("Components")),
    byHash: /^(yes|true|with|on|enable|1)$/i.test(get("Acquire-By-Hash") ?? ""),
    files: new Map([...strong].map(([path, { hex, size }]) => [path, { sha256: hex, size }])),
    aliases: aliasesOf(sections, strong),
  };
}

/** RFC 1123, in UTC, also with one digit for day or hour. Milliseconds since the epoch; null when it is no such date. */
export function parseDate(text: string): number | null {
  const match = DATE.exec(text.trim());
  if (!match) return null;
  const month = MONTHS.indexOf(match[2]!.toLowerCase());
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((group) => Number(match[group]));
  const time = Date.UTC(year!, month, day, hour, minute, second);
  const at = new Date(time);
  const isReal =
    month >= 0 &&
    at.getUTCDate() === day &&
    at.getUTCHours() === hour &&
    minute! < 60 &&
    second! < 61;
  return isReal ? time : null;
}

interface Line {
  hex: string;
  size: number;
}

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable Release file: ${reason}`);
}

function paragraph(text: string): Map<string, string> {
  try {
    return firstParagraph(text);
  } catch (error) {
    throw error instanceof Problem ? bad(error.message) : error;
  }
}

function words(value: string | null): string[] {
  return value?.split(/\s+/).filter(Boolean) ?? [];
}

function dateField(name: string, value: string): number {
  const time = parseDate(value);
  if (time === null) throw bad(`its ${name} is ${JSON.stringify(value.slice(0, 60))}`);
  return time;
}

function noHash(others: string[]): string {
  if (!others.length) return "it has no checksums";
  return `it gives no SHA256 of its indices, only ${others.join(" and ")}`;
}

function parseSection(algorithm: Algorithm, value: string): Map<string, Line> {
  const lines = new Map<string, Line>();
  for (const line of value.split("\n")) {
    if (!line) continue;
    const [hex, size, path, more] = line.split(/\s+/);
    if (
      hex?.length !== HEX_LENGTH[algorithm] ||
      !/^[0-9a-f]+$/i.test(hex) ||
      !/^\d{1,15}$/.test(size ?? "") ||
      more !== undefined
    )
      throw bad(`${algorithm} has the line ${JSON.stringify(line.slice(0, 200))}`);
    const clean = cleanPath(path ?? "");
    if (clean === null)
      throw bad(`${algorithm} names the path ${JSON.stringify((path ?? "").slice(0, 200))}`);
    // Made by a publisher's second run: what a Release says of itself cannot be true.
    if (OWN_FILES.has(clean)) continue;
    // As apt does when a path comes twice.
    if (!lines.has(clean)) lines.set(clean, { hex: hex.toLowerCase(), size: Number(size) });
  }
  return lines;
}

function aliasesOf(
  sections: Map<Algorithm, Map<string, Line>>,
  strong: Map<string, Line>,
): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const [algorithm, lines] of sections) {
    if (algorithm === "SHA256") continue;
    for (const [path, { hex, size }] of lines) {
      const file = strong.get(path);
      if (file?.size === size) aliases.set(`${algorithm}/${hex}`, file.hex);
    }
  }
  return aliases;
}
