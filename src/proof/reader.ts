// Reads hashes of a tree out of tiles that nobody vouches for, and proves every tile against the tree's root.
// https://research.swtch.com/tlog#authenticating_tiles

import { foldSubtrees, type HashAt, sameHash, subtrees, type Tree } from "./merkle.ts";
import { FULL, hashFromTile, parentOf, type Tile, tileHash, tileOf, tilePath } from "./tile.ts";

/** The tiles do not lead to the root: at least one of them is not the tree's. */
export class UnprovenTile extends Error {
  override readonly name = "UnprovenTile";
}

/** A tile and its bytes. */
export type TileData = [tile: Tile, data: Uint8Array];

export interface Proven {
  /** In the order they were asked for. */
  hashes: Uint8Array[];
  /** Every tile that was read, all proven to be the tree's. */
  tiles: TileData[];
}

/** Tiles to read: first those of the right edge, which together give the root, then each after the one above it. */
function plan(tree: Tree, wanted: HashAt[]): { tiles: Map<string, Tile>; edges: number } {
  const tiles = new Map<string, Tile>();
  for (const at of subtrees(0, tree.size)) {
    const tile = tileOf(at, tree.size);
    tiles.set(tilePath(tile), tile);
  }
  const edges = tiles.size;
  for (const at of wanted) {
    if (at.index < 0 || (at.index + 1) * 2 ** at.level > tree.size)
      throw new RangeError("A hash outside the tree");
    const chain: Tile[] = [];
    let tile: Tile | null = tileOf(at, tree.size);
    while (tile && !tiles.has(tilePath(tile))) {
      chain.unshift(tile);
      tile = parentOf(tile, tree.size);
    }
    if (!tile) throw new UnprovenTile("A tile without one above it");
    for (const below of chain) tiles.set(tilePath(below), below);
  }
  return { tiles, edges };
}

/**
 * `fetch` gives exactly width × 32 bytes for a tile and need not be trusted. Throws UnprovenTile unless all that was read
 * is the tree's: the edge against the root, each other tile against the one above it (the check that CVE-2026-56865 is about).
 */
export async function readProven(
  tree: Tree,
  wanted: HashAt[],
  fetch: (tile: Tile) => Promise<Uint8Array>,
): Promise<Proven> {
  const { tiles, edges } = plan(tree, wanted);
  const all = [...tiles.values()];
  const read = await Promise.all(all.map(fetch));
  const data = new Map(all.map((tile, at) => [tilePath(tile), read[at]!]));
  const hashAt = (at: HashAt) => {
    const tile = tileOf(at, tree.size);
    return hashFromTile(tile, data.get(tilePath(tile))!, at);
  };
  if (!sameHash(foldSubtrees(subtrees(0, tree.size).map(hashAt)), tree.hash))
    throw new UnprovenTile("The tiles do not give the root of the tree");
  for (const tile of all.slice(edges)) {
    const above = { level: (tile.level + 1) * 8, index: tile.index };
    if (tile.width !== FULL || !sameHash(hashAt(above), tileHash(data.get(tilePath(tile))!)))
      throw new UnprovenTile("A tile is not the one that the tile above it names");
  }
  return { hashes: wanted.map(hashAt), tiles: all.map((tile, at) => [tile, read[at]!]) };
}
