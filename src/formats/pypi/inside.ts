// What a distribution that is to be published holds: its metadata, and whether all of it is what its name says. PEP 427, 517, 625
import { unpackedLimit } from "../../archive/check.ts";
import { decompressed } from "../../archive/decompress.ts";
import { piecesOf } from "../../archive/pieces.ts";
import { readTar, tarLimits } from "../../archive/tar.ts";
import {
  checkLocal,
  readDirectory,
  readEntry,
  type ZipEntry,
  zipLimits,
} from "../../archive/zip.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";
import { type CoreMetadata, readCoreMetadata } from "./core-metadata.ts";
import type { Distribution } from "./distribution.ts";
import { METADATA_LIMIT } from "./metadata.ts";
import { normalizeName } from "./names.ts";
import { canonicalVersion } from "./versions.ts";

/** Read while clients wait: of less than what is only fetched, and more than the largest wheels have. */
const LIMITS = { ...zipLimits, entries: 100_000, directorySize: 16 * 2 ** 20 };

/** What pip and tar would unpack differently is not what was looked at here. */
const STRICT = { ...tarLimits, isStrict: true };

/** What stands in a distribution. `bytes`: its metadata as it stands there. */
export interface Inside extends CoreMetadata {
  bytes: Uint8Array;
}

function bad({ file }: Distribution, reason: string): Problem {
  return new Problem("badRequest", `${file} cannot be published: ${reason}`);
}

/** Reads no more than it must. Throws Problem("badRequest") unless file name and content agree. */
export async function readInside(file: RandomAccess, distribution: Distribution): Promise<Inside> {
  try {
    const bytes = await metadataOf(file, distribution);
    const metadata = readCoreMetadata(bytes, distribution.file);
    if (!isSame(metadata, distribution))
      throw bad(
        distribution,
        `it is ${metadata.name} ${metadata.version} by the metadata in it, and not what its name says`,
      );
    return { ...metadata, bytes };
  } catch (error) {
    // In an archive that an upstream gave it is the upstream's fault; here it is the client's.
    if (!(error instanceof Problem) || error.kind !== "malformed") throw error;
    throw bad(distribution, error.message);
  }
}

function isSame(said: { name: string; version: string }, distribution: Distribution): boolean {
  return (
    normalizeName(said.name) === distribution.project &&
    canonicalVersion(said.version) === canonicalVersion(distribution.version)
  );
}

function metadataOf(file: RandomAccess, distribution: Distribution): Promise<Uint8Array> {
  if (distribution.type === "bdist_wheel") return inWheel(file, distribution);
  return distribution.file.endsWith(".zip") ? inZip(file, distribution) : inTar(file, distribution);
}

async function inWheel(file: RandomAccess, distribution: Distribution): Promise<Uint8Array> {
  const entries = await entriesOf(file, distribution);
  const infos = new Set([...entries.keys()].map(topOf).filter((top) => top.endsWith(".dist-info")));
  const [info = ""] = infos;
  if (infos.size !== 1) throw bad(distribution, "it does not have one .dist-info of its own");
  const [name = "", version = "", ...more] = info.slice(0, -".dist-info".length).split("-");
  if (more.length || !isSame({ name, version }, distribution))
    throw bad(distribution, `${info} in it is another distribution's`);
  const read = (part: string) =>
    contentOf(file, entries.get(`${info}/${part}`), distribution, part);
  checkTags(Buffer.from(await read("WHEEL")).toString("utf8"), distribution);
  if (!entries.has(`${info}/RECORD`)) throw bad(distribution, "it has no RECORD");
  return read("METADATA");
}

/** Installers go by the tags in the name: a file that was renamed would be installed where it cannot run. */
function checkTags(wheel: string, distribution: Distribution): void {
  const said = [...wheel.matchAll(/^Tag:[ \t]*(\S+)[ \t]*\r?$/gim)].map(([, tag]) => tag!);
  const isSaid = new Set(said.map((tag) => tag.toLowerCase()));
  const other = distribution.tags.find((tag) => !isSaid.has(tag.toLowerCase()));
  if (other !== undefined)
    throw bad(
      distribution,
      `its name has the tag ${other}, and WHEEL in it ${said.slice(0, 3).join(", ") || "none"}; a wheel is given another tag by "wheel tags"`,
    );
}

async function inZip(file: RandomAccess, distribution: Distribution): Promise<Uint8Array> {
  const entries = await entriesOf(file, distribution);
  const tops = new Set([...entries.keys()].map(topOf));
  if (tops.size !== 1) throw bad(distribution, "it does not have one folder at its top");
  const [top] = tops;
  return contentOf(file, entries.get(`${top}/PKG-INFO`), distribution, "PKG-INFO");
}

async function inTar(file: RandomAccess, distribution: Distribution): Promise<Uint8Array> {
  const plain = decompressed(distribution.file, piecesOf(file), unpackedLimit(file));
  let top: string | null = null;
  let found: Uint8Array | null = null;
  for await (const { name, type, size, chunks } of readTar(plain, STRICT)) {
    const path = name.replace(/^(?:\.\/)+/, "");
    if (path === "" || path === ".") continue;
    checkPath(path, distribution);
    top ??= topOf(path);
    if (topOf(path) !== top || (path === top && type !== "directory"))
      throw bad(distribution, "it does not have one folder at its top");
    if (path !== `${top}/PKG-INFO`) continue;
    if (found) throw bad(distribution, "it has PKG-INFO twice");
    if (type !== "file" || size > METADATA_LIMIT) throw bad(distribution, "its PKG-INFO is none");
    found = await whole(chunks());
  }
  if (!found) throw bad(distribution, "it has no PKG-INFO in the folder at its top");
  return found;
}

/** By name. Only what all installers read the same: stored or deflated, each once, below one folder. */
async function entriesOf(
  file: RandomAccess,
  distribution: Distribution,
): Promise<Map<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>();
  for (const entry of await readDirectory(file, LIMITS)) {
    const { name, method, encrypted } = entry;
    checkPath(name, distribution);
    if (encrypted || (method !== 0 && method !== 8))
      throw bad(distribution, `${name} in it is neither stored nor deflated`);
    if (entries.has(name)) throw bad(distribution, `it has ${name} twice`);
    entries.set(name, entry);
  }
  return entries;
}

function checkPath(path: string, distribution: Distribution): void {
  if (/^\/|\\|\0|(?:^|\/)\.\.(?:\/|$)|^[A-Za-z]:/.test(path))
    throw bad(distribution, `${path.slice(0, 100)} in it leads out of it`);
  // Another spelling of a path that may be there as well.
  if (/\/\.?\/|\/\.$/.test(path))
    throw bad(distribution, `${path.slice(0, 100)} in it is no plain path`);
}

const topOf = (path: string) => path.split("/", 1)[0]!;

async function contentOf(
  file: RandomAccess,
  entry: ZipEntry | undefined,
  distribution: Distribution,
  what: string,
): Promise<Uint8Array> {
  if (!entry) throw bad(distribution, `it has no ${what}`);
  if (entry.size > METADATA_LIMIT) throw bad(distribution, `its ${what} is too large`);
  await checkLocal(file, entry);
  return whole(readEntry(file, entry));
}

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part);
  return Buffer.concat(parts);
}
