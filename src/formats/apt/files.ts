// Finds pool files in a lookup file, and lists folders of them, with a few reads. See lookup-file.ts for its lines.
import { own, utf8 } from "../../archive/control.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import type { Skipped } from "../../core/document.ts";
import type { Integrity } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import type { TaskInput } from "../../core/task.ts";
import { isHead, LookupWriter, parseLine } from "./lookup-file.ts";
import { type IndexOptions, namedFiles } from "./stanzas.ts";

export interface FileEntry {
  /** From the root of the repository. */
  path: string;
  /** Of SHA-256, or else of the strongest hash that the index gives. */
  integrity: Integrity;
  /** Hexadecimal; null when the index gives none. */
  sha256: string | null;
  size: number;
  package: string;
  version: string;
  /** "source" for what a Sources index names. */
  architecture: string;
}

export interface FolderEntry {
  name: string;
  isFolder: boolean;
  /** Of a file. */
  entry?: FileEntry;
}

/** Task: writes the lookup file of one Packages or Sources index, which is the one input. */
export async function files({ options, files: [index], write }: TaskInput): Promise<unknown> {
  const lookup = new LookupWriter();
  const skip = (entry: Skipped) => lookup.skip(entry);
  for await (const group of namedFiles(index!.chunks(), options as IndexOptions, skip))
    for (const file of group) lookup.add(file);
  return await lookup.write(write);
}

/** The file at a path, as one lookup file has it; null when it does not name it. */
export async function findFile(file: RandomAccess, path: string): Promise<FileEntry | null> {
  const lines = new Lines(file);
  const key = bytesOf(path);
  const line = await lines.at(await lines.seek(key, 0));
  return line && key && pathOf(line.text) === key ? entryOf(line.text) : null;
}

/**
 * What a folder holds, files and folders, at most `limit` of them and in no order that matters. Takes time by the number of its
 * children, not by what is below them. `prefix` is the folder's path, "" for the root.
 */
export async function listFolder(
  file: RandomAccess,
  prefix: string,
  limit: number,
): Promise<FolderEntry[]> {
  const lines = new Lines(file);
  const folder = prefix && bytesOf(prefix.endsWith("/") ? prefix : `${prefix}/`);
  const found: FolderEntry[] = [];
  let offset = await lines.seek(folder, 0);
  while (found.length < limit) {
    const line = await lines.at(offset);
    const path = line && pathOf(line.text);
    if (!line || !path?.startsWith(folder)) break;
    if (isHead(line.text)) {
      offset = line.next;
      continue;
    }
    const slash = path.indexOf("/", folder.length);
    if (slash < 0) {
      found.push({
        name: utf8(path.slice(folder.length)),
        isFolder: false,
        entry: entryOf(line.text),
      });
      offset = line.next;
    } else {
      found.push({ name: utf8(path.slice(folder.length, slash)), isFolder: true });
      // "0" is the character after "/".
      offset = await lines.seek(`${path.slice(0, slash)}0`, line.next);
    }
  }
  return found;
}

function bytesOf(path: string): string {
  return Buffer.from(path).toString("latin1");
}

function pathOf(line: string): string {
  return line.slice(0, line.indexOf("\t"));
}

function entryOf(line: string): FileEntry {
  const row = parseLine(own(line)); // kept for long: its parts must not hold the whole window
  if (!row) throw new Problem("internal", `A lookup file has the line ${JSON.stringify(line)}`);
  const { path, integrity, sha256, size, version, architecture } = row;
  return { path, integrity, sha256, size, package: row.package, version, architecture };
}

interface Line {
  /** Latin-1 of its bytes, without its end. */
  text: string;
  /** Where the next one starts. */
  next: number;
}

const PROBE = 1024;
const WINDOW = 16 * 1024;

/** The sorted lines of a file, by offset. */
class Lines {
  readonly #file: RandomAccess;
  #start = 0;
  #text = "";
  constructor(file: RandomAccess) {
    this.#file = file;
  }

  /** The line that starts at an offset; null at the end. */
  async at(offset: number, ahead = WINDOW): Promise<Line | null> {
    if (offset >= this.#file.size) return null;
    let from = offset - this.#start;
    let end = from >= 0 && from < this.#text.length ? this.#text.indexOf("\n", from) : -1;
    for (let length = ahead; end < 0; length *= 4) {
      await this.#load(offset, length);
      from = 0;
      end = this.#text.indexOf("\n");
      if (end < 0 && offset + this.#text.length >= this.#file.size) end = this.#text.length;
    }
    return { text: this.#text.slice(from, end), next: this.#start + end + 1 };
  }

  async #load(offset: number, length: number): Promise<void> {
    const bytes = await this.#file.read(offset, Math.min(length, this.#file.size - offset));
    if (!bytes.length) throw new Problem("internal", "A lookup file is shorter than it was");
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    this.#start = offset;
  }

  /** Where the first line starts whose path is not before `key`, at or after `from`, which is the start of a line. */
  async seek(key: string, from: number): Promise<number> {
    let low = from;
    let high = this.#file.size;
    // Ever wider steps first: what is looked for is often near.
    for (let step = WINDOW; low + step < high; step *= 4) {
      const place = await this.#isBefore(key, low + step);
      if (place === null) {
        high = low + step;
        break;
      }
      low = place;
    }
    while (high - low > WINDOW) {
      const middle = low + Math.floor((high - low) / 2);
      const place = await this.#isBefore(key, middle);
      if (place === null) high = middle;
      else low = place;
    }
    for (let line = await this.at(low); line && pathOf(line.text) < key; line = await this.at(low))
      low = line.next;
    return low;
  }

  /** Where the first line after an offset starts, when it is before `key`; else null, also when there is none. */
  async #isBefore(key: string, offset: number): Promise<number | null> {
    const rest = await this.at(offset, PROBE);
    const line = rest && (await this.at(rest.next, PROBE));
    return line && pathOf(line.text) < key ? rest.next : null;
  }
}
