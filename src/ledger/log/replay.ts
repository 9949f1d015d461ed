// Reads all of the log, and holds its files against each other and against the checkpoint that was signed: entries, tiles over tiles, the root.
import { foldSubtrees, recordHash, sameHash, type Tree } from "../../proof/merkle.ts";
import { FULL, HASH_SIZE, hashesAtLevel, tileHash } from "../../proof/tile.ts";
import { staticPath } from "../../proof/tlog-tiles.ts";
import type { LogFiles } from "../../store/log-files.ts";
import { breathe } from "../fact-rows.ts";
import { DamagedLog, readEntries, readTile } from "./tree.ts";

export interface Replay {
  files: LogFiles;
  tree: Tree;
  /** What is wrong with the files, each as a line for people. */
  tell(line: string): void;
  /** Entries, in their order; those that cannot be read are left out. Awaited. */
  each(entries: readonly Uint8Array[], first: number): void | Promise<void>;
}

/** Requests have their turn after every 256 entries. */
export async function replay({ files, tree: { size, hash }, tell, each }: Replay): Promise<void> {
  /** Of each level of tiles the hashes of the one that is not full yet, and how many are. */
  const levels: { hashes: Uint8Array[]; full: number }[] = [];
  let isWhole = true;

  /** Holds what the tile below gives against the tile; returns the hashes to go on with. */
  async function check(level: number, index: number, made: Uint8Array[]): Promise<void> {
    const place = { level, index, width: made.length };
    const kept = await orTell(readTile(files, level, index, made.length));
    if (!kept) return;
    if (kept.length !== made.length * HASH_SIZE)
      return tell(`${staticPath(place)} of the log is cut`);
    const at = made.findIndex((one, number) => !sameHash(one, hashIn(kept, number)));
    if (at < 0) return;
    const below = level === 0 ? "the entries" : `the tiles of level ${level - 1}`;
    tell(
      `${staticPath(place)} of the log was changed: from number ${index * FULL + at} on it is not what ${below} give`,
    );
  }

  async function add(level: number, made: Uint8Array): Promise<void> {
    levels[level] ??= { hashes: [], full: 0 };
    const own = levels[level]!;
    own.hashes.push(made);
    if (own.hashes.length < FULL) return;
    const { hashes } = own;
    own.hashes = [];
    await check(level, own.full, hashes);
    own.full += 1;
    await add(level + 1, tileHash(Buffer.concat(hashes)));
  }

  async function orTell<T>(reading: Promise<T>): Promise<T | null> {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof DamagedLog)) throw error;
      tell(error.message);
      return null;
    }
  }

  for (let bundle = 0; bundle * FULL < size && isWhole; bundle += 1) {
    const width = Math.min(FULL, size - bundle * FULL);
    const entries = await orTell(readEntries(files, size, bundle));
    if (entries) {
      for (const entry of entries) await add(0, recordHash(entry));
      await each(entries, bundle * FULL);
    } else {
      // What is above them can be checked all the same.
      const tile = await orTell(readTile(files, 0, bundle, width));
      isWhole = tile?.length === width * HASH_SIZE;
      if (isWhole) for (let at = 0; at < width; at += 1) await add(0, hashIn(tile!, at));
    }
    await breathe();
  }
  if (!isWhole) return tell("the rest of the log cannot be checked");
  const right: Uint8Array[] = [];
  for (const [level, { hashes, full }] of levels.entries()) {
    if (hashes.length === 0) continue;
    if (hashes.length !== hashesAtLevel(size, level) % FULL) throw new RangeError("No such tree");
    await check(level, full, hashes);
    right.unshift(...complete(hashes));
  }
  if (!sameHash(foldSubtrees(right), hash))
    tell("the entries of the log do not give the root that its checkpoint signs");
}

function hashIn(tile: Uint8Array, at: number): Uint8Array {
  return tile.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE);
}

/** The complete subtrees that fewer than 256 hashes make up, largest first. */
function complete(hashes: readonly Uint8Array[]): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  for (let width = FULL / 2; width >= 1; width /= 2)
    if (hashes.length - at >= width) {
      found.push(tileHash(Buffer.concat(hashes.slice(at, at + width))));
      at += width;
    }
  return found;
}
