// The tree of the log: its right edge in memory, all of it in files.
import {
  foldSubtrees,
  type ReadHashes,
  recordHash,
  subtrees,
  type Tree,
} from "../../proof/merkle.ts";
import {
  FULL,
  HASH_SIZE,
  hashesAtLevel,
  hashFromTile,
  tileHash,
  tileOf,
} from "../../proof/tile.ts";
import { bundleOf, entriesOf, parseStaticPath, staticPath } from "../../proof/tlog-tiles.ts";
import type { LogFiles } from "../../store/log-files.ts";

/** Says that the files of a log are not what they were. */
export class DamagedLog extends Error {
  override readonly name = "DamagedLog";
}

export interface LogTree extends Tree {
  /** The tiles that became full by the last `append`: their partial ones are needed no more once a checkpoint has them. */
  readonly filled: readonly string[];
  /** A tree with these entries more. Its files are on the disk when it resolves; the tree itself is a value and stays as it was. */
  append(entries: readonly Uint8Array[]): Promise<LogTree>;
}

/** What stands at the right edge: of each level of tiles the hashes of the one that is not full, and its entries. */
interface Edge {
  size: number;
  levels: Uint8Array[][];
  entries: Uint8Array[];
}

export function emptyTree(files: LogFiles): LogTree {
  return treeOf({ size: 0, levels: [], entries: [] }, files);
}

/** The tree of so many entries, as the files have it. Throws DamagedLog when they are not the tree's. */
export async function readTree({ size, hash }: Tree, files: LogFiles): Promise<LogTree> {
  const edge: Edge = { size, levels: [], entries: [] };
  for (let level = 0; hashesAtLevel(size, level) > 0; level += 1) {
    const width = hashesAtLevel(size, level) % FULL;
    const index = Math.floor(hashesAtLevel(size, level) / FULL);
    edge.levels.push(width === 0 ? [] : await readHashes(files, level, index, width));
    if (level === 0 && width > 0) edge.entries = await readEntries(files, size, index);
  }
  const tree = treeOf(edge, files);
  if (Buffer.compare(tree.hash, hash) !== 0)
    throw new DamagedLog("The tiles of the log do not give the root of its checkpoint");
  const [level] = edge.levels;
  for (const [at, entry] of edge.entries.entries())
    if (Buffer.compare(recordHash(entry), level![at]!) !== 0)
      throw new DamagedLog("The entries of the log are not those of its tiles");
  return tree;
}

/** The entries of a bundle of a tree of `size`: `index` counts bundles. Throws DamagedLog when they are not there. */
export async function readEntries(
  files: LogFiles,
  size: number,
  index: number,
): Promise<Uint8Array[]> {
  const width = Math.min(FULL, size - index * FULL);
  const bytes = await readTile(files, -1, index, width);
  try {
    const entries = entriesOf(bytes);
    if (entries.length >= width) return entries.slice(0, width);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new DamagedLog(`The entries from ${index * FULL} on are cut`);
}

/** The bytes of a tile, from the full one where a partial one has gone. */
export async function readTile(
  files: LogFiles,
  level: number,
  index: number,
  width: number,
): Promise<Uint8Array> {
  const path = staticPath({ level, index, width });
  const whole = width === FULL ? null : staticPath({ level, index, width: FULL });
  const bytes = (await files.read(path)) ?? (whole && (await files.read(whole)));
  if (!bytes) throw new DamagedLog(`${path} of the log is not there`);
  return level < 0 ? bytes : bytes.subarray(0, width * HASH_SIZE);
}

/** The same by the path that clients know it by, out of a tree of `size`; null for what is no tile of that. */
export async function tileOfTree(
  files: LogFiles,
  size: number,
  path: string,
): Promise<Uint8Array | null> {
  const tile = parseStaticPath(path);
  const width = tile && hashesAtLevel(size, Math.max(0, tile.level)) - tile.index * FULL;
  if (!tile || width === null || width < tile.width) return null;
  return readTile(files, tile.level, tile.index, tile.width);
}

/** Hashes of a tree of `size`, out of its tiles, as they are. */
export function hashesOf(files: LogFiles, size: number): ReadHashes {
  return (wanted) =>
    Promise.all(
      wanted.map(async (at) => {
        const tile = tileOf(at, size);
        return hashFromTile(tile, await readTile(files, tile.level, tile.index, tile.width), at);
      }),
    );
}

async function readHashes(
  files: LogFiles,
  level: number,
  index: number,
  width: number,
): Promise<Uint8Array[]> {
  const bytes = await readTile(files, level, index, width);
  if (bytes.length !== width * HASH_SIZE)
    throw new DamagedLog(`${staticPath({ level, index, width })} of the log is cut`);
  return Array.from({ length: width }, (_, at) =>
    bytes.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE),
  );
}

function treeOf(edge: Edge, files: LogFiles, filled: readonly string[] = []): LogTree {
  const { size } = edge;
  return { size, filled, hash: rootOf(edge), append: (entries) => append(edge, entries, files) };
}

/** All complete subtrees that make up a tree lie in the tiles at its right edge. */
function rootOf({ size, levels }: Edge): Uint8Array {
  const hashes = subtrees(0, size).map((at) => {
    const tile = tileOf(at, size);
    if (tile.width < FULL) return hashFromTile(tile, Buffer.concat(levels[tile.level]!), at);
    // A tile that has just become full is known by its hash, in the tile above.
    return levels[tile.level + 1]![tile.index % FULL]!;
  });
  return foldSubtrees(hashes);
}

async function append(
  before: Edge,
  added: readonly Uint8Array[],
  files: LogFiles,
): Promise<LogTree> {
  const edge: Edge = {
    size: before.size,
    levels: before.levels.map((hashes) => [...hashes]),
    entries: [...before.entries],
  };
  const written = new Map<string, Uint8Array>();
  const index = (level: number) => Math.floor((hashesAtLevel(edge.size, level) - 1) / FULL);

  for (const entry of added) {
    edge.size += 1;
    edge.entries.push(entry);
    if (edge.entries.length === FULL) {
      written.set(staticPath({ level: -1, index: index(0), width: FULL }), bundleOf(edge.entries));
      edge.entries = [];
    }
    let hash: Uint8Array | null = recordHash(entry);
    for (let level = 0; hash; level += 1) {
      edge.levels[level] ??= [];
      const hashes = edge.levels[level]!;
      hashes.push(hash);
      hash = null;
      if (hashes.length < FULL) continue;
      const data = Buffer.concat(hashes);
      written.set(staticPath({ level, index: index(level), width: FULL }), data);
      edge.levels[level] = [];
      hash = tileHash(data);
    }
  }
  const full = [...written.keys()];
  if (edge.entries.length > 0) {
    const place = { level: -1, index: index(0), width: edge.entries.length };
    written.set(staticPath(place), bundleOf(edge.entries));
  }
  for (const [level, hashes] of edge.levels.entries()) {
    if (hashes.length === 0) continue;
    written.set(
      staticPath({ level, index: index(level), width: hashes.length }),
      Buffer.concat(hashes),
    );
  }
  const all = [...written];
  for (let at = 0; at < all.length; at += AT_ONCE)
    await Promise.all(all.slice(at, at + AT_ONCE).map(([path, bytes]) => files.write(path, bytes)));
  return treeOf(edge, files, full);
}

const AT_ONCE = 8;
