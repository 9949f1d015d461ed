// The Merkle tree of a transparency log: hashes and proofs.
// RFC 6962 §2.1, golang.org/x/mod/sumdb/tlog
import { createHash } from "node:crypto";

export interface Tree {
  /** Records in it. */
  size: number;
  hash: Uint8Array;
}

/** The `index`th hash of a level: that of the 2^level records from index × 2^level on. */
export interface HashAt {
  level: number;
  index: number;
}

/** Gives the hashes at some places, in their order. */
export type ReadHashes = (at: HashAt[]) => Promise<Uint8Array[]>;

function sha256(...parts: (Uint8Array | string)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function recordHash(record: Uint8Array | string): Uint8Array {
  return sha256(Uint8Array.of(0), record);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(1), left, right);
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === 32 && b.length === 32 && Buffer.compare(a, b) === 0;
}

/** The complete subtrees, largest first, that together are the records from `low` to before `high`. */
export function subtrees(low: number, high: number): HashAt[] {
  const found: HashAt[] = [];
  let at = low;
  while (at < high) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= high) level += 1;
    found.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return found;
}

/** The hash of the range whose `subtrees` have these hashes. */
export function foldSubtrees(hashes: Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return sha256();
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

async function rangeHash(low: number, high: number, read: ReadHashes): Promise<Uint8Array> {
  return foldSubtrees(await read(subtrees(low, high)));
}

/** The root of the first `size` records. */
export function treeHash(size: number, read: ReadHashes): Promise<Uint8Array> {
  return rangeHash(0, size, read);
}

/** The largest power of two below `count`: where a range of that many records is split. RFC 6962 §2.1 */
function splitAt(count: number): number {
  let half = 1;
  while (half * 2 < count) half *= 2;
  return half;
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Audit path of record `id` in a tree of `size` records. RFC 6962 §2.1.1 */
export async function proveRecord(
  size: number,
  id: number,
  read: ReadHashes,
): Promise<Uint8Array[]> {
  if (!isIndex(size) || !isIndex(id) || id >= size) throw new RangeError("No such record");
  const path: Uint8Array[] = [];
  let [low, high] = [0, size];
  while (high - low > 1) {
    const middle = low + splitAt(high - low);
    const left = id < middle;
    path.unshift(await (left ? rangeHash(middle, high, read) : rangeHash(low, middle, read)));
    [low, high] = left ? [low, middle] : [middle, high];
  }
  return path;
}

/** True when the path leads from the record's hash to the tree's root, with nothing left over. */
export function checkRecord(path: Uint8Array[], tree: Tree, id: number, leaf: Uint8Array): boolean {
  if (!isIndex(tree.size) || !isIndex(id) || id >= tree.size) return false;
  const rest = [...path];
  const climb = (low: number, high: number): Uint8Array | null => {
    if (high - low === 1) return rest.length === 0 ? leaf : null;
    const sibling = rest.pop();
    if (!sibling) return null;
    const middle = low + splitAt(high - low);
    const own = id < middle ? climb(low, middle) : climb(middle, high);
    if (!own) return null;
    return id < middle ? nodeHash(own, sibling) : nodeHash(sibling, own);
  };
  const root = climb(0, tree.size);
  return root !== null && sameHash(root, tree.hash);
}

/** Proof that the first `older` of `newer` records are a tree of their own. RFC 6962 §2.1.2 */
export async function proveTree(
  newer: number,
  older: number,
  read: ReadHashes,
): Promise<Uint8Array[]> {
  if (!isIndex(newer) || !isIndex(older) || older < 1 || older > newer)
    throw new RangeError("No such trees");
  const proof: Uint8Array[] = [];
  let [low, high] = [0, newer];
  while (older !== high) {
    const middle = low + splitAt(high - low);
    const left = older <= middle;
    proof.unshift(await (left ? rangeHash(middle, high, read) : rangeHash(low, middle, read)));
    [low, high] = left ? [low, middle] : [middle, high];
  }
  if (low > 0) proof.unshift(await rangeHash(low, high, read));
  return proof;
}

/** True when the proof shows that `newer` begins with `older`. */
export function checkTree(proof: Uint8Array[], newer: Tree, older: Tree): boolean {
  if (!isIndex(newer.size) || !isIndex(older.size) || older.size < 1 || older.size > newer.size)
    return false;
  const rest = [...proof];
  const climb = (low: number, high: number): [old: Uint8Array, now: Uint8Array] | null => {
    if (older.size === high) {
      if (low === 0) return rest.length === 0 ? [older.hash, older.hash] : null;
      const own = rest.pop();
      return own && rest.length === 0 ? [own, own] : null;
    }
    const sibling = rest.pop();
    if (!sibling) return null;
    const middle = low + splitAt(high - low);
    const left = older.size <= middle;
    const own = left ? climb(low, middle) : climb(middle, high);
    if (!own) return null;
    if (left) return [own[0], nodeHash(own[1], sibling)];
    return [nodeHash(sibling, own[0]), nodeHash(sibling, own[1])];
  };
  const hashes = climb(0, newer.size);
  return hashes !== null && sameHash(hashes[0], older.hash) && sameHash(hashes[1], newer.hash);
}
