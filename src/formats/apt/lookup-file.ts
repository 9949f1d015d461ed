// Lookup files: which pool files an index names, sorted by path, so that one is found with a few reads.
import { own, utf8 } from "../../archive/control.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import type { Skipped } from "../../core/document.ts";
import { integrityOf, type NamedFile } from "./stanzas.ts";

/**
 * `path \t digest \t size \t package \t version \t architecture \n`, sorted by the bytes of the path, each path once. The digest is a
 * SHA-256 in hexadecimal, or an integrity ("sha512-…") for what has none.
 */
export function lookupLine(file: NamedFile): string {
  return `${file.path}\t${file.digest}\t${file.size}\t${file.package}\t${file.version}\t${file.architecture}\n`;
}

/** What of an index could not be used. */
export interface LeftOut {
  count: number;
  /** The first of them. */
  entries: Skipped[];
}

const LISTED = 10;
/** Of the line that tells of them. In bytes. */
const HEAD = 16 * 1024;

/** Collects files and writes them out as a lookup file. Of a path that comes twice, what came later. */
export class LookupWriter {
  #lines: string[] = [];
  readonly #leftOut: LeftOut = { count: 0, entries: [] };

  /** The file begins with a line that tells of it: with no path, so that it is found under none. */
  skip({ what, why }: Skipped): void {
    const { entries } = this.#leftOut;
    this.#leftOut.count++;
    if (entries.length < LISTED) entries.push({ what: what.slice(0, 200), why: why.slice(0, 200) });
  }

  add(file: NamedFile): void {
    this.#lines.push(own(lookupLine(file)));
  }

  async write(
    write: (chunk: Uint8Array) => Promise<void>,
  ): Promise<{ files: number; bytes: number }> {
    const lines = this.#lines;
    this.#lines = [];
    // Stable: what came later stays behind what has the same path.
    const order = lines.map((line) => line.slice(0, line.indexOf("\t") + 1));
    const places = Uint32Array.from(lines.keys()).sort((a, b) =>
      order[a]! < order[b]! ? -1 : order[a]! > order[b]! ? 1 : a - b,
    );
    let files = 0;
    let bytes = 0;
    let text = "";
    if (this.#leftOut.count > 0) await write(Buffer.from(`\t${JSON.stringify(this.#leftOut)}\n`));
    for (const [at, place] of places.entries()) {
      const next = places[at + 1];
      if (next !== undefined && order[next] === order[place]) continue;
      const line = lines[place]!;
      files++;
      bytes += Number(line.split("\t", 3)[2]);
      text += line;
      if (text.length < 64 * 1024) continue;
      await write(Buffer.from(text, "latin1"));
      text = "";
    }
    if (text) await write(Buffer.from(text, "latin1"));
    return { files, bytes };
  }
}

/** What of its index a lookup file leaves out; null when that is nothing. */
export async function leftOutOf(file: RandomAccess): Promise<LeftOut | null> {
  const head = Buffer.from(await file.read(0, Math.min(HEAD, file.size))).toString();
  if (!isHead(head)) return null;
  return JSON.parse(head.slice(1, head.indexOf("\n")));
}

/** Whether a line is not about a file. */
export function isHead(line: string): boolean {
  return line.startsWith("\t");
}

/** One line, understood. */
export interface LookupRow extends Omit<NamedFile, "section"> {
  integrity: string;
  sha256: string | null;
}

/** Null when it is no line of a lookup file. Takes Latin-1 of the bytes, gives texts as they are meant. */
export function parseLine(line: string): LookupRow | null {
  const [path, digest, size, name, version, architecture] = line.split("\t");
  if (!path || !digest || architecture === undefined) return null;
  return {
    path: utf8(path),
    digest,
    integrity: integrityOf(digest),
    sha256: /^[0-9a-f]{64}$/.test(digest) ? digest : null,
    size: Number(size),
    package: utf8(name!),
    version: utf8(version!),
    architecture: utf8(architecture),
  };
}
