// A digest of what an archive holds, whatever it was packed with: the same for the same files, with other bytes for other ones.
import { createHash } from "node:crypto";
import type { RandomAccess } from "../core/artifact.ts";
import { gunzipped } from "../core/gunzip.ts";
import { Problem } from "../core/problem.ts";
import { piecesOf } from "./pieces.ts";
import { readTar } from "./tar.ts";
import { checkLocal, readAhead, readDirectory, readEntry, zipLimits } from "./zip.ts";

/** A file, a link, or an empty folder. Other folders are told by what is in them. */
interface Leaf {
  path: string;
  /** Whether it is a file that anybody may execute, another file, a link, or a folder. */
  kind: "x" | "f" | "l" | "d";
  /** SHA-256 of the bytes, or of a link's target. Hexadecimal; empty for a folder. */
  digest: string;
  /** What else readers may go by. */
  also: string;
}

/** All of it has to be unpacked, in the one worker thread. Below 4 GiB, so that a gzip trailer tells the whole size. */
const LIMITS = { ...zipLimits, totalSize: 2 * 2 ** 30 };
/** Of a path: in characters, and in folders. */
const LONGEST = 4096;
const DEEPEST = 256;
/** How far from a file's end readers look for the end of a zip, and then some. */
const ZIP_TAIL = 70 * 1024;
const EXECUTABLE = 0o111;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFREG = 0o100000;

/**
 * Of a zip, a tar or a tar.gz: SHA-256 over the sorted leaves, base64. Times, owners, order, compression and the name of the one folder that
 * all of it stands in (code hosts name it after the commit, at more or less length) do not count. Throws Problem("malformed") for what is
 * none of these, or what readers could take for two things: a path twice, a link with something in it, a zip at a tar's end.
 */
export async function treeDigest(file: RandomAccess): Promise<string> {
  const start = await file.read(0, Math.min(4, file.size));
  const isZip = start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
  const leaves = isZip ? await zipLeaves(file) : await tarLeaves(file, start);
  const hash = createHash("sha256");
  for (const { path, kind, digest, also } of ordered(leaves))
    hash.update(`${JSON.stringify([kind, digest, path, also])}\n`);
  return hash.digest("base64");
}

async function zipLeaves(file: RandomAccess): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  const ahead = readAhead(file);
  for (const entry of await readDirectory(file, LIMITS)) {
    const { name, mode, also } = entry;
    await checkLocal(ahead, entry);
    const type = mode & S_IFMT;
    if (name.endsWith("/")) {
      if (entry.size > 0) throw bad(`the folder ${name} has bytes of its own`);
      leaves.push({ path: plainPath(name), kind: "d", digest: "", also });
      continue;
    }
    // A folder to some, a file to others.
    if (![0, S_IFREG, S_IFLNK].includes(type)) throw bad(`${name} is neither file nor link`);
    const digest = await digestOf(readEntry(ahead, entry));
    leaves.push(leafOf(name, type === S_IFLNK, mode, digest, also));
  }
  return leaves;
}

async function tarLeaves(file: RandomAccess, start: Uint8Array): Promise<Leaf[]> {
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  await refuseZipAtEnd(file);
  const leaves: Leaf[] = [];
  const digests = new Map<string, string>();
  for await (const entry of readTar(isGzip ? unpacked(file) : piecesOf(file))) {
    const { name, type, mode, also } = entry;
    if (type === "directory") {
      leaves.push({ path: plainPath(name), kind: "d", digest: "", also });
      continue;
    }
    if (type === "other" || name.endsWith("/")) throw bad(`${name} is neither file nor link`);
    const linked = type === "hardlink" ? digests.get(plainPath(entry.target)) : undefined;
    if (type === "hardlink" && linked === undefined)
      throw bad(`${name} links to what is not there`);
    const digest =
      linked ?? (await digestOf(type === "symlink" ? [Buffer.from(entry.target)] : entry.chunks()));
    const leaf = leafOf(name, type === "symlink", mode, digest, also);
    digests.set(leaf.path, digest);
    leaves.push(leaf);
  }
  if (!leaves.some(({ kind }) => kind !== "d")) throw bad("it holds nothing");
  return leaves;
}

/** Readers of zip look for it from the end, whatever stands before. */
async function refuseZipAtEnd(file: RandomAccess): Promise<void> {
  const length = Math.min(file.size, ZIP_TAIL);
  const tail = await file.read(file.size - length, length);
  if (Buffer.from(tail.buffer, tail.byteOffset, tail.length).includes("PK\x05\x06"))
    throw bad("it may be taken for a zip");
}

function leafOf(name: string, isLink: boolean, mode: number, digest: string, also: string): Leaf {
  const kind = isLink ? "l" : mode & EXECUTABLE ? "x" : "f";
  return { path: plainPath(name), kind, digest, also };
}

/** `./a//b` is `a/b`. */
function plainPath(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw bad(`${name} leads out of it`);
  if (name.length > LONGEST || parts.length > DEEPEST) throw bad("a path that no disk takes");
  return parts.join("/");
}

async function digestOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** Sorted, without folders that something is in, and without the folder that all of it stands in. */
function ordered(all: Leaf[]): Leaf[] {
  const parents = new Map<string, string>();
  for (const { path } of all)
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const parent = path.slice(0, at);
      if (parents.has(parent)) break;
      parents.set(parent, path);
    }
  const leaves = all.filter(({ path, kind }) => kind !== "d" || (path && !parents.has(path)));
  const [first] = leaves;
  const top = first ? first.path.slice(0, first.path.indexOf("/") + 1) : "";
  const isShared = top !== "" && leaves.every(({ path }) => path.startsWith(top));
  const sorted = leaves.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const [at, { path }] of sorted.entries()) {
    if (path === "" || path === sorted[at - 1]?.path) throw bad(`it holds ${path || "/"} twice`);
    if (parents.has(path)) throw bad(`${path} is a folder and something else`);
  }
  return isShared ? sorted.map((leaf) => ({ ...leaf, path: leaf.path.slice(top.length) })) : sorted;
}

async function* unpacked(file: RandomAccess): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of gunzipped(piecesOf(file), {
    limit: LIMITS.totalSize,
    packed: file.size,
  })) {
    size += chunk.length;
    yield chunk;
  }
  // PHP reads the first member alone. RFC 1952 §2.2, §2.3.1
  const trailer = Buffer.from(await file.read(file.size - 4, 4));
  if (trailer.readUInt32LE() !== size) throw bad("it is gzip data of many parts");
}

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable archive: ${reason}`);
}
