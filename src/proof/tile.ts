// Tiles of a transparency log: 256 hashes to a file, their names, and where a hash stands in them.
// https://research.swtch.com/tlog#tiling_a_log, golang.org/x/mod/sumdb/tlog
import { type HashAt, nodeHash } from "./merkle.ts";

/** Hashes in a full tile are 2^8; the go command asks for no other height. */
export const HEIGHT = 8;
export const FULL = 2 ** HEIGHT;
export const HASH_SIZE = 32;

export interface Tile {
  /** Of the tile, not of the hashes: its hashes stand at level 8 × `level` of the tree. -1: the records themselves. */
  level: number;
  /** Number within its level. */
  index: number;
  /** Hashes in it: 1 to 256. Fewer than 256 only at the right edge of some tree. */
  width: number;
}

/** "tile/8/0/x001/x234/067" or, for a partial one, "tile/8/0/x001/x234/067.p/12". */
export function tilePath(tile: Tile): string {
  let index = tile.index;
  let path = String(index % 1000).padStart(3, "0");
  while (index >= 1000) {
    index = Math.floor(index / 1000);
    path = `x${String(index % 1000).padStart(3, "0")}/${path}`;
  }
  const level = tile.level === -1 ? "data" : tile.level;
  return `tile/${HEIGHT}/${level}/${path}${tile.width === FULL ? "" : `.p/${tile.width}`}`;
}

const PATH = /^tile\/8\/(data|\d{1,2})\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/(\d{1,3}))?$/;

/** Null for anything that `tilePath` would not write, other heights included. */
export function parseTilePath(path: string): Tile | null {
  const match = PATH.exec(path);
  if (!match) return null;
  const tile: Tile = {
    level: match[1] === "data" ? -1 : Number(match[1]),
    index: Number(match[2]!.replace(/[x/]/g, "")),
    width: match[3] === undefined ? FULL : Number(match[3]),
  };
  const possible = tile.width >= 1 && tile.width <= FULL && tile.level < 7;
  return possible && tilePath(tile) === path ? tile : null;
}

/** How many hashes a tree of `size` records has at a tile level. */
export function hashesAtLevel(size: number, level: number): number {
  return Math.floor(size / 2 ** (HEIGHT * level));
}

/** The same tile as wide as a tree of `size` records has it, or null when it has none there. */
export function widest(tile: Tile, size: number): Tile | null {
  const width = Math.min(FULL, hashesAtLevel(size, tile.level) - tile.index * FULL);
  return width > 0 ? { ...tile, width } : null;
}

/** The tile that holds a hash, in a tree of `size` records that contains it. */
export function tileOf(at: HashAt, size: number): Tile {
  const level = Math.floor(at.level / HEIGHT);
  const first = at.index * 2 ** (at.level - level * HEIGHT);
  const tile = widest({ level, index: Math.floor(first / FULL), width: FULL }, size);
  if (!tile) throw new RangeError("A hash outside the tree");
  return tile;
}

/** The tile above, which holds the hash of this full one. */
export function parentOf(tile: Tile, size: number): Tile | null {
  const above = { level: tile.level + 1, index: Math.floor(tile.index / FULL), width: FULL };
  return widest(above, size);
}

function subtreeHash(data: Uint8Array): Uint8Array {
  if (data.length === HASH_SIZE) return data;
  const half = data.length / 2;
  return nodeHash(subtreeHash(data.subarray(0, half)), subtreeHash(data.subarray(half)));
}

/** The hash of a whole full tile: what the tile above holds for it. */
export function tileHash(data: Uint8Array): Uint8Array {
  return subtreeHash(data);
}

/** A hash out of the tile that holds it. */
export function hashFromTile(tile: Tile, data: Uint8Array, at: HashAt): Uint8Array {
  const count = 2 ** (at.level - tile.level * HEIGHT);
  const start = at.index * count - tile.index * FULL;
  if (start < 0 || start + count > tile.width || data.length < tile.width * HASH_SIZE)
    throw new RangeError("A hash outside its tile");
  return subtreeHash(data.subarray(start * HASH_SIZE, (start + count) * HASH_SIZE));
}
