// Reads an archive for people who want to know what is in it: each file's path, size and mark, and the text of the few that say something.
import { crc32 } from "node:zlib";
import { memberOf, readAr } from "../archive/ar.ts";
import { unpackedLimit } from "../archive/check.ts";
import { decompressed } from "../archive/decompress.ts";
import { piecesOf } from "../archive/pieces.ts";
import { readTar, tarLimits } from "../archive/tar.ts";
import { readDirectory, readEntry, zipLimits } from "../archive/zip.ts";
import type { RandomAccess } from "../core/artifact.ts";
import type { InsideFile } from "../core/inside.ts";

/** Files that are told by name; the others are counted. */
const TOLD = 5_000;
/** Of a text as much is read. Bytes. */
const TEXT = 2 ** 20;
/** Texts that are read. */
const TEXTS = 20;

export interface Contents {
  files: InsideFile[];
  count: number;
  size: number;
  /** Of the wanted files, by path. */
  texts: Map<string, string>;
}

/**
 * `name` tells how it is packed. `wants`: by path. Throws Problem("malformed") for what is no archive: it was vouched for when it came, and is read
 * without trust all the same. `enough`: texts, with which no more is read.
 */
export async function readContents(
  file: RandomAccess,
  name: string,
  wants: (path: string) => boolean,
  enough = Number.POSITIVE_INFINITY,
): Promise<Contents> {
  const found: Contents = { files: [], count: 0, size: 0, texts: new Map() };
  const start = await file.read(0, Math.min(4, file.size));
  if (start[0] === 0x50 && start[1] === 0x4b) await readZip(file, wants, found, enough);
  else {
    const packed = start[0] === 0x1f && start[1] === 0x8b ? "a.tar.gz" : name;
    await readTarOf(file, packed, wants, found, enough);
  }
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

/** The texts of the wanted files alone, by path. Nothing behind the last of so many is read. Throws Problem("malformed"). */
export async function readTexts(
  file: RandomAccess,
  name: string,
  wants: (path: string) => boolean,
  most = TEXTS,
): Promise<Map<string, string>> {
  return (await readContents(file, name, wants, most)).texts;
}

/** The text of a Debian package's control file; empty where it has none. Throws Problem("malformed"). */
export async function readDebControl(file: RandomAccess): Promise<string> {
  for (const member of await readAr(file))
    if (/^control\.tar/.test(member.name)) {
      const control = memberOf(file, member);
      const texts = await readTexts(control, member.name, (path) => path === "control", 1);
      return texts.get("control") ?? "";
    }
  return "";
}

/** The files of a Debian package, and the texts of its control.tar, which stand below "control/". */
export async function readDebContents(file: RandomAccess): Promise<Contents> {
  const found: Contents = { files: [], count: 0, size: 0, texts: new Map() };
  for (const member of await readAr(file)) {
    const part = /^(control|data)\.tar/.exec(member.name)?.[1];
    if (part === "control") {
      const control: Contents = { files: [], count: 0, size: 0, texts: new Map() };
      await readTarOf(memberOf(file, member), member.name, () => true, control);
      for (const [path, text] of control.texts) found.texts.set(`control/${path}`, text);
    } else if (part === "data")
      await readTarOf(
        memberOf(file, member),
        member.name,
        (path) => /^usr\/share\/doc\/[^/]+\/README(\.md|\.Debian)?$/.test(path),
        found,
      );
  }
  found.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found;
}

async function readZip(
  file: RandomAccess,
  wants: (path: string) => boolean,
  found: Contents,
  enough: number,
): Promise<void> {
  for (const entry of await readDirectory(file, zipLimits)) {
    if (found.texts.size >= enough) return;
    if (entry.name.endsWith("/")) continue;
    const { name: path, size, crc32: mark } = entry;
    add(found, { path, size, mark });
    if (!isTextWanted(found, path, wants) || entry.encrypted || ![0, 8].includes(entry.method))
      continue;
    const text = createText();
    for await (const chunk of readEntry(file, entry)) if (!text.add(chunk)) break;
    found.texts.set(path, text.toString());
  }
}

async function readTarOf(
  file: RandomAccess,
  name: string,
  wants: (path: string) => boolean,
  found: Contents,
  enough = Number.POSITIVE_INFINITY,
): Promise<void> {
  const plain = decompressed(name, piecesOf(file), unpackedLimit(file));
  for await (const entry of readTar(plain, tarLimits)) {
    if (entry.type !== "file") continue;
    const path = entry.name.replace(/^(?:\.?\/)+/, "");
    const text = isTextWanted(found, path, wants) ? createText() : null;
    let mark = 0;
    for await (const chunk of entry.chunks()) {
      mark = crc32(chunk, mark);
      text?.add(chunk);
    }
    add(found, { path, size: entry.size, mark });
    if (text) found.texts.set(path, text.toString());
    if (found.texts.size >= enough) return;
  }
}

function add(found: Contents, file: InsideFile): void {
  found.count += 1;
  found.size += file.size;
  if (found.files.length < TOLD) found.files.push({ ...file, path: file.path.slice(0, 1_000) });
}

function isTextWanted(found: Contents, path: string, wants: (path: string) => boolean): boolean {
  return found.texts.size < TEXTS && wants(path);
}

function createText() {
  const parts: Uint8Array[] = [];
  let size = 0;
  return {
    /** False when there is enough. */
    add(chunk: Uint8Array): boolean {
      if (size < TEXT) parts.push(chunk.subarray(0, TEXT - size));
      size += chunk.length;
      return size < TEXT;
    },
    toString: () =>
      Buffer.concat(parts)
        .toString("utf8")
        .replace(/^\ufeff/, ""),
  };
}

/** The readme at the top of an archive, or in the one folder that all of it stands in: the one that people read, where there are several. */
export function readmeOf(
  texts: ReadonlyMap<string, string>,
): { path: string; text: string } | null {
  const all = [...texts].filter(([path]) => isReadme(path));
  all.sort(
    ([a], [b]) =>
      a.split("/").length - b.split("/").length || placeOf(a) - placeOf(b) || (a < b ? -1 : 1),
  );
  const [first] = all;
  return first ? { path: first[0], text: first[1] } : null;
}

export function isReadme(path: string): boolean {
  return path.split("/").length <= 6 && /(?:^|\/)readme(?:\.(?:md|markdown|rst|txt))?$/i.test(path);
}

function placeOf(path: string): number {
  return (
    [".md", ".markdown", ".rst", ".txt"].findIndex((ending) =>
      path.toLowerCase().endsWith(ending),
    ) >>> 0
  );
}
