// The pool files that a Packages or Sources index names. deb-control(5), dsc(5), https://wiki.debian.org/DebianRepository/Format
import { type Fields, paragraphs, utf8 } from "../../archive/control.ts";
import { decompressed } from "../../archive/decompress.ts";
import type { Skipped } from "../../core/document.ts";
import { type Integrity, integrityFromHex } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import { cleanPath, indexName } from "./index-names.ts";

/** Uncompressed. Debian's largest Packages has 50 MB. */
const LIMIT = 512 * 2 ** 20;
/** Debian's largest names 150,000. They are sorted and compared in memory. */
const FILES = 500_000;

/** A file as an index names it. All texts as Latin-1 of their bytes, so that they sort as bytes do; see archive/control.ts. */
export interface NamedFile {
  /** In the repository, clean. */
  path: string;
  /** Hexadecimal SHA-256 where the index gives it, or else the strongest integrity that it gives. */
  digest: string;
  size: number;
  package: string;
  version: string;
  /** "source" for what a Sources index names. */
  architecture: string;
  section: string;
}

export interface IndexOptions {
  /** Its path as the Release names it: says what it is and how it is compressed. */
  index: string;
  /** The folder that `Filename` and `Directory` are relative to, from the root of the repository: "" unless the repository is flat. */
  folder: string;
  /** Most bytes uncompressed; 512 MiB unless told. */
  limit?: number;
}

// Strongest first; SHA-256 before SHA-512, because it is what files are known by.
const PACKAGES = ["Package", "Version", "Architecture", "Section", "Filename", "Size"];
const PACKAGES_HASHES: [field: string, algorithm: string][] = [
  ["SHA256", "sha256"],
  ["SHA512", "sha512"],
  ["SHA1", "sha1"],
  ["MD5sum", "md5"],
];
const SOURCES = ["Package", "Version", "Section", "Directory"];
const SOURCES_HASHES: [field: string, algorithm: string][] = [
  ["Checksums-Sha256", "sha256"],
  ["Checksums-Sha512", "sha512"],
  ["Checksums-Sha1", "sha1"],
  ["Files", "md5"],
];
const HEX_LENGTH: Record<string, number> = { md5: 32, sha1: 40, sha256: 64, sha512: 128 };

/** Told of what is left out. */
type Skip = (entry: Skipped) => void;

/**
 * All files that an index names, in groups as they come. A file without a usable hash or size is left out, since nobody could check
 * it, and so is a stanza that cannot be read and a path that leads out of the repository, of which `skip` is told. Throws Problem("malformed")
 * for what is no such index: nothing in it can be read.
 */
export async function* namedFiles(
  chunks: AsyncIterable<Uint8Array>,
  { index, folder, limit = LIMIT }: IndexOptions,
  skip: Skip = () => {},
): AsyncGenerator<NamedFile[]> {
  const isSources = indexName(index).kind === "sources";
  const wanted = isSources
    ? [...SOURCES, ...SOURCES_HASHES.map(([field]) => field)]
    : [...PACKAGES, ...PACKAGES_HASHES.map(([field]) => field)];
  let count = 0;
  let isAnyRead = false;
  let broken: string | null = null;
  const leaveOut = (why: string) => {
    broken ??= why;
    skip({ what: "a stanza", why });
  };
  const base = Buffer.from(folder ? `${folder}/` : "").toString("latin1");
  for await (const group of paragraphs(decompressed(index, chunks, limit), wanted, leaveOut)) {
    isAnyRead = true;
    const files: NamedFile[] = [];
    for (const fields of group) {
      // One by one: too many are no arguments of one call.
      if (isSources) for (const file of sourceFiles(fields, base, skip)) files.push(file);
      else {
        const file = packageFile(fields, base, skip);
        if (file) files.push(file);
      }
    }
    count += files.length;
    if (count > FILES) throw new Problem("malformed", `${index} names more than ${FILES} files`);
    yield files;
  }
  if (broken !== null && !isAnyRead)
    throw new Problem("malformed", `${index} is no such index: ${broken}`);
}

/** A digest as NamedFile and lookup files have it, as an Integrity. */
export function integrityOf(digest: string): Integrity {
  return /^[0-9a-f]{64}$/.test(digest) ? integrityFromHex("sha256", digest)! : digest;
}

function badPath(name: string, path: string): Skipped {
  return { what: utf8(name), why: `its file is ${JSON.stringify(utf8(path).slice(0, 200))}` };
}

function token(algorithm: string, hex: string | undefined): string | null {
  if (hex?.length !== HEX_LENGTH[algorithm]) return null;
  const integrity = integrityFromHex(algorithm, hex!);
  if (integrity === null) return null;
  return algorithm === "sha256" ? hex!.toLowerCase() : integrity;
}

function sizeOf(text: string | null | undefined): number | null {
  return text && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Tabs and line ends separate the columns of lookup files. */
function word(text: string | null): string {
  return text === null ? "" : text.replace(/[\x00-\x1f\x7f]+/g, " ");
}

function packageFile(fields: Fields, base: string, skip: Skip): NamedFile | null {
  const [name, version, architecture, section, filename, size, ...hashes] = fields;
  // Status files have stanzas without one.
  if (!name || !filename) return null;
  const clean = cleanPath(filename);
  if (clean === null) {
    skip(badPath(word(name), filename));
    return null;
  }
  const bytes = sizeOf(size);
  const digest = strongestOf(hashes as Fields);
  if (bytes === null || digest === null) return null;
  return {
    path: base + clean,
    digest,
    size: bytes,
    package: word(name),
    version: word(version ?? null),
    architecture: word(architecture ?? null),
    section: word(section ?? null),
  };
}

function strongestOf(hashes: Fields): string | null {
  for (const [place, [, algorithm]] of PACKAGES_HASHES.entries()) {
    const found = token(algorithm, hashes[place] ?? undefined);
    if (found) return found;
  }
  return null;
}

function sourceFiles(fields: Fields, base: string, skip: Skip): NamedFile[] {
  const [name, version, section, directory, ...sections] = fields;
  if (!name) return [];
  const files = new Map<string, NamedFile>();
  for (const [place, [, algorithm]] of SOURCES_HASHES.entries()) {
    for (const line of (sections[place] ?? "").split("\n")) {
      const [hex, size, ...rest] = line.split(/[ \t]+/);
      const file = rest.at(-1);
      if (!file || files.has(file)) continue;
      // A .dsc stands alone in its folder in some flat repositories.
      const clean = file.includes("/") ? null : cleanPath(`${directory || "."}/${file}`);
      if (clean === null) {
        if (place === 0) skip(badPath(word(name), `${directory ?? ""}/${file}`));
        continue;
      }
      const digest = token(algorithm, hex);
      const bytes = sizeOf(size);
      if (digest === null || bytes === null) continue;
      files.set(file, {
        path: base + clean,
        digest,
        size: bytes,
        package: word(name),
        version: word(version ?? null),
        architecture: "source",
        section: word(section ?? null),
      });
    }
  }
  return [...files.values()];
}
