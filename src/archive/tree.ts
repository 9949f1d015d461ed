// A digest of what an archive holds, whatever it was packed with: the same for the same files, with other bytes for other ones.
import { createHash } from "node:crypto";
import { createGunzip } from "node:zlib";
import type { RandomAccess } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import { readTar } from "./tar.ts";
import { readAhead, readDirectory, readEntry, zipLimits } from "./zip.ts";

/** A file or a link. Folders are told by what is in them. */
interface Leaf {
  path: string;
  /** Whether it is a file that anybody may execute, another file, or a link. */
  kind: "x" | "f" | "l";
  /** SHA-256 of the bytes, or of a link's target. Hexadecimal. */
  digest: string;
}

const PIECE = 256 * 1024;
const RATIO_FLOOR = 64 * 2 ** 20;
const EXECUTABLE = 0o111;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFDIR = 0o040000;

/**
 * Of a zip, a tar or a tar.gz: SHA-256 over the sorted leaves, base64. Times, owners, order, compression and the name of the one folder that
 * all of it stands in (code hosts name it after the commit, at more or less length) do not count. Throws Problem("malformed") for what is
 * none of these, or holds a path twice: which one counts would be the reader's choice.
 */
export async function treeDigest(file: RandomAccess): Promise<string> {
  const start = await file.read(0, Math.min(4, file.size));
  const isZip = start[0] === 0x50 && start[1] === 0x4b;
  const leaves = isZip ? await zipLeaves(file) : await tarLeaves(file, start);
  const hash = createHash("sha256");
  for (const { path, kind, digest } of ordered(leaves)) hash.update(`${kind} ${digest} ${path}\0`);
  return hash.digest("base64");
}

async function zipLeaves(file: RandomAccess): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  const ahead = readAhead(file);
  for (const entry of await readDirectory(file)) {
    const type = entry.mode & S_IFMT;
    if (entry.name.endsWith("/") || type === S_IFDIR) continue;
    const digest = await digestOf(readEntry(ahead, entry));
    leaves.push(leafOf(entry.name, type === S_IFLNK, entry.mode, digest));
  }
  return leaves;
}

async function tarLeaves(file: RandomAccess, start: Uint8Array): Promise<Leaf[]> {
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const leaves: Leaf[] = [];
  const digests = new Map<string, string>();
  for await (const entry of readTar(isGzip ? unpacked(file) : pieces(file))) {
    const { name, type, mode } = entry;
    if (type === "directory") continue;
    if (type === "other") throw bad(`${name} is neither file nor link`);
    const linked = type === "hardlink" ? digests.get(plainPath(entry.target)) : undefined;
    if (type === "hardlink" && linked === undefined)
      throw bad(`${name} links to what is not there`);
    const digest =
      linked ?? (await digestOf(type === "symlink" ? [Buffer.from(entry.target)] : entry.chunks()));
    const leaf = leafOf(name, type === "symlink", mode, digest);
    digests.set(leaf.path, digest);
    leaves.push(leaf);
  }
  if (leaves.length === 0) throw bad("it holds nothing");
  return leaves;
}

function leafOf(name: string, isLink: boolean, mode: number, digest: string): Leaf {
  const kind = isLink ? "l" : mode & EXECUTABLE ? "x" : "f";
  return { path: plainPath(name), kind, digest };
}

/** `./a//b` is `a/b`. */
function plainPath(name: string): string {
  return name
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

async function digestOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** Sorted, without the folder that all of it stands in. */
function ordered(leaves: Leaf[]): Leaf[] {
  const [first] = leaves;
  const top = first ? first.path.slice(0, first.path.indexOf("/") + 1) : "";
  const isShared = top !== "" && leaves.every(({ path }) => path.startsWith(top));
  const sorted = leaves
    .map((leaf) => (isShared ? { ...leaf, path: leaf.path.slice(top.length) } : leaf))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const [at, { path }] of sorted.entries())
    if (path === "" || path === sorted[at - 1]?.path) throw bad(`it holds ${path || "/"} twice`);
  return sorted;
}

async function* pieces(file: RandomAccess): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; ) {
    const piece = await file.read(at, Math.min(PIECE, file.size - at));
    if (piece.length === 0) throw bad("it ends early");
    yield piece;
    at += piece.length;
  }
}

/** Bounded as zips are. */
async function* unpacked(file: RandomAccess): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: PIECE });
  const closed = new Promise<void>((resolve) => gunzip.once("close", resolve));
  const feed = async () => {
    for await (const piece of pieces(file)) {
      if (gunzip.destroyed) return;
      if (gunzip.write(piece)) continue;
      await Promise.race([new Promise((resolve) => gunzip.once("drain", resolve)), closed]);
    }
    gunzip.end();
  };
  feed().catch((error) => gunzip.destroy(error));
  let size = 0;
  try {
    for await (const chunk of gunzip) {
      size += (chunk as Uint8Array).length;
      if (size > zipLimits.totalSize || (size > RATIO_FLOOR && size > zipLimits.ratio * file.size))
        throw bad("it unpacks to far more than it is");
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw error instanceof Problem ? error : bad("it is not whole gzip data");
  } finally {
    gunzip.destroy();
  }
}

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable archive: ${reason}`);
}
