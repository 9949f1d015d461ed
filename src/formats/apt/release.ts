// Reads a Release file: the dates of a suite and the hashes of its indices. https://wiki.debian.org/DebianRepository/Format
import { firstParagraph } from "../../archive/control.ts";
import type { Skipped } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { ALGORITHMS, type HashName, isHash } from "./hashes.ts";
import { cleanPath } from "./index-names.ts";

export interface ReleaseFile {
  /**
   * Hexadecimal, lower case: what the file is known by. Its SHA-256, or its SHA-512 where the release has only that; a weaker one where it has
   * neither. See hashes.ts.
   */
  hash: string;
  size: number;
}

export interface Release {
  /** All of them, under the names as they are spelled there, without the checksums. */
  fields: Map<string, string>;
  /** Milliseconds since the epoch; null when it tells none. */
  date: number | null;
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
  /** "MD5Sum/<hex>", as in by-hash paths → the hash that the file is known by, where that is another one. */
  aliases: Map<string, string>;
  /** Why no client takes it that verifies; null when they do. */
  flaw: string | null;
}

const OWN_FILES = new Set(["Release", "Release.gpg", "InRelease"]);

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DATE =
  /^(?:[a-z]{3,9},?\s+)?(\d{1,2})\s+([a-z]{3})[a-z]*\s+(\d{4})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(?:UTC|GMT|Z|[+-]0000)$/i;

/** Strongest first; SHA-256 before SHA-512, because it is what all else here is known by. */
const PREFERENCE: readonly HashName[] = ["SHA256", "SHA512", "SHA1", "MD5Sum"];
const STRONG: readonly HashName[] = ["SHA256", "SHA512"];

/**
 * Throws Problem("malformed") for what is no Release file (a login page, or one without checksums). What a client that verifies would not take is a
 * `flaw`: no usable Date or Valid-Until, nothing stronger than SHA-1. A line that cannot be read and a path that leads out of the folder are left
 * out, and given to `skip`.
 */
export function parseRelease(text: string, skip: (entry: Skipped) => void = () => {}): Release {
  const odd: string[] = [];
  const all = firstParagraph(text, (reason) => {
    odd.push(reason);
    skip({ what: "a line", why: reason });
  });
  const get = (name: string): string | null => {
    for (const [key, value] of all) if (key.toLowerCase() === name.toLowerCase()) return value;
    return null;
  };
  const sections = new Map<HashName, Map<string, Line>>();
  for (const algorithm of PREFERENCE) {
    const value = get(algorithm);
    if (value !== null) sections.set(algorithm, parseSection(algorithm, value, skip));
  }
  const files = filesOf(sections);
  if (files.size === 0 && sections.size === 0)
    throw bad(["it has no checksums", ...odd.slice(0, 1)].join(", and "));
  const date = get("Date");
  const validUntil = get("Valid-Until");
  const isSection = (name: string) =>
    ALGORITHMS.some((algorithm) => algorithm.toLowerCase() === name.toLowerCase());
  return {
    fields: new Map([...all].filter(([name]) => !isSection(name))),
    date: date === null ? null : parseDate(date),
    validUntil: validUntil === null ? null : parseDate(validUntil),
    suite: get("Suite"),
    codename: get("Codename"),
    origin: get("Origin"),
    label: get("Label"),
    architectures: words(get("Architectures")),
    components: words(get("Components")),
    byHash: /^(yes|true|with|on|enable|1)$/i.test(get("Acquire-By-Hash") ?? ""),
    files,
    aliases: aliasesOf(sections, files),
    flaw: flawOf(sections, date, validUntil),
  };
}

/** Why no client takes it that verifies. */
function flawOf(
  sections: ReadonlyMap<HashName, unknown>,
  date: string | null,
  validUntil: string | null,
): string | null {
  if (!STRONG.some((algorithm) => sections.has(algorithm)))
    return `it gives no SHA256 of its indices, only ${[...sections.keys()].join(" and ")}`;
  if (date === null) return "it has no Date";
  for (const [name, value] of Object.entries({ Date: date, "Valid-Until": validUntil }))
    if (value !== null && parseDate(value) === null)
      return `its ${name} is ${JSON.stringify(value.slice(0, 60))}`;
  return null;
}

/** Of each file the strongest hash. */
function filesOf(sections: ReadonlyMap<HashName, Map<string, Line>>): Map<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>();
  const isStrong = STRONG.some((algorithm) => sections.has(algorithm));
  for (const [algorithm, lines] of sections) {
    if (isStrong && !STRONG.includes(algorithm)) continue;
    for (const [path, { hex, size }] of lines)
      if (!files.has(path)) files.set(path, { hash: hex, size });
  }
  return files;
}

/** True when both tell a date, and the first one's is before the other's. */
export function isOlder(one: Release, other: Release): boolean {
  return one.date !== null && other.date !== null && one.date < other.date;
}

/** A release's Date for sentences: "the release of …". */
export function dateText(date: number | null): string {
  return date === null ? "an unknown date" : new Date(date).toISOString();
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

function words(value: string | null): string[] {
  return value?.split(/\s+/).filter(Boolean) ?? [];
}

function parseSection(
  algorithm: HashName,
  value: string,
  skip: (entry: Skipped) => void,
): Map<string, Line> {
  const lines = new Map<string, Line>();
  for (const line of value.split("\n")) {
    if (!line) continue;
    const [hex = "", size, path = "", more] = line.split(/\s+/);
    const clean = cleanPath(path);
    const isRead = isHash(algorithm, hex) && /^\d{1,15}$/.test(size ?? "") && more === undefined;
    if (!isRead || clean === null) {
      const shown = JSON.stringify((isRead ? path : line).slice(0, 200));
      skip({
        what: `an entry of ${algorithm}`,
        why: isRead ? `it names ${shown}` : `it is ${shown}`,
      });
      continue;
    }
    // Made by a publisher's second run: what a Release says of itself cannot be true.
    if (OWN_FILES.has(clean)) continue;
    // As apt does when a path comes twice.
    if (!lines.has(clean)) lines.set(clean, { hex: hex.toLowerCase(), size: Number(size) });
  }
  return lines;
}

function aliasesOf(
  sections: ReadonlyMap<HashName, Map<string, Line>>,
  files: ReadonlyMap<string, ReleaseFile>,
): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const [algorithm, lines] of sections)
    for (const [path, { hex, size }] of lines) {
      const file = files.get(path);
      if (file && file.hash !== hex && file.size === size)
        aliases.set(`${algorithm}/${hex}`, file.hash);
    }
  return aliases;
}

/** Fixes must not wait. Debian: bookworm-security, once bookworm/updates; Ubuntu: noble-security. */
export function isSecurity(suite: string, { label }: Pick<Release, "label">): boolean {
  return (
    /(^|[/-])security(\/|$)/.test(suite) ||
    /\/updates$/.test(suite) ||
    /security/i.test(label ?? "")
  );
}
