// The paragraph that a package says of itself, as it goes into Packages and Sources: its fields as they stand there. deb-control(5), dsc(5)
import { Problem } from "../../../core/problem.ts";

/** Fields in their order, each with its lines as they stand, without the name and the last line end. */
export type Paragraph = Map<string, string>;

const FIELD = /^([!-,.-9;-~][!-9;-~]*):(.*)$/;
const FIELDS_LIMIT = 500;

/** Reads the one paragraph of a text. Throws Problem("badRequest") for several, for a field that comes twice, and for lines that are none of a field. */
export function readParagraph(text: string, what: string): Paragraph {
  const fields: Paragraph = new Map();
  const names = new Set<string>();
  let last: string | null = null;
  let isOver = false;
  for (const raw of text.split("\n")) {
    const line = raw.replace(/[ \t\r]+$/, "");
    if (line.startsWith("#")) continue;
    if (line === "" && !/^[ \t]/.test(raw)) {
      isOver = fields.size > 0;
      continue;
    }
    if (isOver) throw bad(what, "it has more than one paragraph");
    if (/[\0\r\v\f]/.test(line)) throw bad(what, "it has a control character");
    if (/^[ \t]/.test(raw)) {
      if (last === null) throw bad(what, "it begins with a continuation line");
      // A line of spaces alone would end the paragraph for some who read it.
      fields.set(last, `${fields.get(last)}\n${line === "" ? " ." : line}`);
      continue;
    }
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined) throw bad(what, `it has the line ${JSON.stringify(line.slice(0, 80))}`);
    if (names.has(name.toLowerCase())) throw bad(what, `it has the field ${name} twice`);
    if (fields.size === FIELDS_LIMIT) throw bad(what, `it has more than ${FIELDS_LIMIT} fields`);
    names.add(name.toLowerCase());
    fields.set(name, value!.trim());
    last = name;
  }
  return fields;
}

/** A field's value, whatever the case of its name; null where there is none, or nothing in it. */
export function fieldOf(fields: Paragraph, name: string): string | null {
  const wanted = name.toLowerCase();
  for (const [key, value] of fields) if (key.toLowerCase() === wanted) return value || null;
  return null;
}

/** Throws Problem("badRequest") where it is missing. */
export function needed(fields: Paragraph, name: string, what: string): string {
  const value = fieldOf(fields, name);
  if (value === null) throw bad(what, `it has no ${name}`);
  return value;
}

/** Without these fields, whatever their case. */
export function without(fields: Paragraph, names: readonly string[]): Paragraph {
  const gone = new Set(names.map((name) => name.toLowerCase()));
  return new Map([...fields].filter(([name]) => !gone.has(name.toLowerCase())));
}

/** As text, with the line end of its last line. */
export function writeParagraph(fields: Iterable<readonly [string, string]>): string {
  let text = "";
  for (const [name, value] of fields)
    text += value === "" || value.startsWith("\n") ? `${name}:${value}\n` : `${name}: ${value}\n`;
  return text;
}

/** The lines of a value that is a list of files: digest, size, and the last of the words behind them. */
export interface ListedFile {
  name: string;
  size: number;
  digest: string;
}

/** "Files" and "Checksums-…" of .dsc and .changes. Throws Problem("badRequest") for a line that is none, and for a name with a folder. */
export function listedFiles(value: string | null, what: string): Map<string, ListedFile> {
  const files = new Map<string, ListedFile>();
  for (const line of (value ?? "").split("\n")) {
    const words = line.trim().split(/\s+/);
    if (words.length < 3) {
      if (line.trim() === "") continue;
      throw bad(what, `it lists ${JSON.stringify(line.trim().slice(0, 80))}`);
    }
    const [digest, size, name] = [words[0]!.toLowerCase(), words[1]!, words.at(-1)!];
    if (!/^[0-9a-f]{32,128}$/.test(digest) || !/^\d{1,15}$/.test(size) || !isFileName(name))
      throw bad(what, `it lists ${JSON.stringify(line.trim().slice(0, 80))}`);
    if (files.has(name)) throw bad(what, `it lists ${name} twice`);
    files.set(name, { name, size: Number(size), digest });
  }
  return files;
}

/** As tools name what they make; no folders, no spaces, nothing hidden. */
export function isFileName(name: string): boolean {
  return name.length <= 255 && /^[A-Za-z0-9][A-Za-z0-9+.:~_-]*$/.test(name);
}

/** Names of packages, binary and source. Debian policy §5.6.1 */
export function isPackageName(name: string): boolean {
  return name.length <= 128 && /^[a-z0-9][a-z0-9+.-]+$/.test(name);
}

export function bad(what: string, reason: string): Problem {
  return new Problem("badRequest", `${what} cannot be published: ${reason}`);
}
