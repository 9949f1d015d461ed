// Reads and writes the JSON form of a project page. PEP 691, 700, 714, 740, 792
import type { Skipped } from "../../core/document.ts";
import { type Integrity, integrityFromHex, parseIntegrity } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import { isFileName, normalizeName } from "./names.ts";
import { resolveLocation } from "./resolve.ts";
import type { Hashes, ProjectFile, ProjectPage, ProjectStatus } from "./types.ts";

type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const HEX_LENGTH: Record<string, number> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** Takes note of what is left out, see `DocumentType.facts`. */
export type Skip = (entry: Skipped) => void;

/** What generators write where they know no digest. */
const NO_DIGEST = [null, "", "None", "null"];

/**
 * Digests as the index gives them; those that it does not know are left out. A known algorithm with a digest of another length is
 * Problem("malformed"): what else is true of such a file cannot be known.
 */
export function readHashes(value: unknown, file: string): Hashes {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new Problem("malformed", `The hashes of ${file} are no object`);
  const hashes: [string, string][] = [];
  for (const [algorithm, digest] of Object.entries(value)) {
    if (NO_DIGEST.includes(digest as string | null)) continue;
    const isHex = typeof digest === "string" && /^(?:[0-9a-fA-F]{2})+$/.test(digest);
    const length = Object.hasOwn(HEX_LENGTH, algorithm) ? HEX_LENGTH[algorithm] : undefined;
    if (length !== undefined && (!isHex || digest.length !== length))
      throw new Problem("malformed", `The ${algorithm} of ${file} is no ${algorithm}`);
    if (isHex && /^[a-z0-9][a-z0-9_-]{0,31}$/.test(algorithm))
      hashes.push([algorithm, digest.toLowerCase()]);
  }
  return Object.fromEntries(hashes);
}

/** The digests of known algorithms as an integrity; null when there is none. */
export function integrityOf(hashes: Hashes): Integrity | null {
  const tokens = Object.keys(HEX_LENGTH)
    .filter((algorithm) => Object.hasOwn(hashes, algorithm))
    .map((algorithm) => integrityFromHex(algorithm, hashes[algorithm]!));
  return tokens.length ? tokens.reverse().join(" ") : null;
}

/** The other way: an integrity as the index writes it. */
export function hashesOf(integrity: Integrity | null): Hashes {
  const tokens = [...parseIntegrity(integrity ?? "")]
    .filter(([algorithm]) => Object.hasOwn(HEX_LENGTH, algorithm))
    .map(([algorithm, base64]) => [algorithm, Buffer.from(base64, "base64").toString("hex")]);
  return Object.fromEntries(tokens);
}

const string = (value: unknown) => (typeof value === "string" ? value : null);
const boolean = (value: unknown) => (typeof value === "boolean" ? value : null);

function readSize(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function readCoreMetadata(entry: Json, file: string): ProjectFile["coreMetadata"] {
  // PEP 714: the new name counts where both are given. The third one is what the public index wrote for a while.
  const value =
    entry["core-metadata"] ?? entry["dist-info-metadata"] ?? entry["data-dist-info-metadata"];
  return isObject(value) ? metadataHashes(value, file) : boolean(value);
}

/** The digests of a file's metadata. What is promised with a digest that is none is not promised: the file can do without. */
export function metadataHashes(value: unknown, file: string): ProjectFile["coreMetadata"] {
  try {
    const hashes = readHashes(value, `${file}.metadata`);
    return Object.keys(hashes).length ? hashes : true;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** One entry of `files`. `page`: see resolveLocation. Throws Problem("malformed"). */
export function readFile(entry: unknown, page: string): ProjectFile {
  if (!isObject(entry)) throw new Problem("malformed", "A file of the project page is no object");
  const filename = entry["filename"];
  if (typeof filename !== "string" || !isFileName(filename))
    throw new Problem("malformed", "A file of the project page has no usable name");
  const url = string(entry["url"]);
  const location = url === null ? null : resolveLocation(url, page);
  if (location === null) throw new Problem("malformed", `The URL of ${filename} cannot be fetched`);
  const yanked = entry["yanked"];
  const provenance = string(entry["provenance"]);
  return {
    filename,
    location,
    hashes: readHashes(entry["hashes"], filename),
    requiresPython: string(entry["requires-python"]),
    size: readSize(entry["size"]),
    uploadTime: string(entry["upload-time"]),
    yanked: typeof yanked === "string" ? yanked || false : yanked === true,
    coreMetadata: readCoreMetadata(entry, filename),
    gpgSig: boolean(entry["gpg-sig"]),
    provenance: provenance === null ? null : resolveLocation(provenance, page),
  };
}

/** PEP 629: a client fails on a major version that it does not know. */
export function checkApiVersion(version: unknown): void {
  if (typeof version === "string" && !/^1(?:\.\d+)*$/.test(version))
    throw new Problem(
      "malformed",
      `The index speaks version ${version.slice(0, 20)} of the simple API, not version 1`,
    );
}

function readStatus(value: unknown): ProjectStatus | null {
  if (!isObject(value)) return null;
  // PEP 792 says `state` in its text and `status` in its examples.
  const status = string(value["status"]) ?? string(value["state"]);
  return status ? { status, reason: string(value["reason"]) } : null;
}

/**
 * What `read` makes of each entry; one that it throws a Problem at is left out and told. Where none is left it is no such list, and the first
 * Problem is thrown: what was known before must not be taken for gone.
 */
export function readEach<In, Out>(
  entries: readonly In[],
  read: (entry: In) => Out | null,
  skip: Skip,
): Out[] {
  const made: Out[] = [];
  const skipped: Skipped[] = [];
  let first: Problem | null = null;
  for (const entry of entries)
    try {
      const one = read(entry);
      if (one !== null) made.push(one);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      first ??= error;
      skipped.push({ what: nameOf(entry), why: error.message });
    }
  if (first && made.length === 0) throw first;
  for (const entry of skipped) skip(entry);
  return made;
}

function nameOf(entry: unknown): string {
  if (typeof entry === "string") return entry;
  const name = isObject(entry) ? entry["filename"] : null;
  return typeof name === "string" && name !== "" ? name : "a file without a name";
}

/** A file that is named twice counts as named first. */
export function uniqueFiles(files: ProjectFile[]): ProjectFile[] {
  const seen = new Set<string>();
  return files.filter(({ filename }) => !seen.has(filename) && seen.add(filename));
}

/** The page of `project`, as parsed from JSON. Throws Problem("malformed") for anything else. */
export function readProjectJson(
  value: unknown,
  project: string,
  page: string,
  skip: Skip = () => {},
): ProjectPage {
  if (!isObject(value) || !Array.isArray(value["files"]))
    throw new Problem("malformed", `The answer is not the project page of ${project}`);
  const meta = isObject(value["meta"]) ? value["meta"] : {};
  checkApiVersion(meta["api-version"]);
  const name = string(value["name"]);
  if (name !== null && normalizeName(name) !== project)
    throw new Problem("malformed", `The answer is a page of another project than ${project}`);
  const versions = value["versions"];
  const serial = meta["_last-serial"];
  return {
    name: project,
    versions: Array.isArray(versions) ? versions.filter((it) => typeof it === "string") : null,
    files: uniqueFiles(readEach(value["files"], (entry) => readFile(entry, page), skip)),
    status: readStatus(value["project-status"]),
    lastSerial: typeof serial === "number" ? serial : string(serial),
  };
}

/** One entry of `files`, with `url` and `provenance` as the reader shall see them. */
export function fileJson(file: ProjectFile, url: string, provenance: string | null): Json {
  const metadata = file.coreMetadata;
  return {
    filename: file.filename,
    url,
    hashes: file.hashes,
    ...(file.requiresPython !== null && { "requires-python": file.requiresPython }),
    ...(file.size !== null && { size: file.size }),
    ...(file.uploadTime !== null && { "upload-time": file.uploadTime }),
    yanked: file.yanked,
    // PEP 714: "Indexes MUST ... emit both".
    ...(metadata !== null && { "core-metadata": metadata, "dist-info-metadata": metadata }),
    ...(file.gpgSig !== null && { "gpg-sig": file.gpgSig }),
    ...(provenance !== null && { provenance }),
  };
}
