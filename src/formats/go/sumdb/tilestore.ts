// Proven tiles, kept: full ones for ever, of each partial one the widest, whose beginning is every narrower one.
import { Problem } from "../../../core/problem.ts";
import type { TileData } from "../../../proof/reader.ts";
import { FULL, HASH_SIZE, type Tile, tilePath } from "../../../proof/tile.ts";
import type { Operations } from "./operations.ts";

const REMEMBERED = 256;

export interface TileStore {
  /** The tile out of the store, out of a wider stored one, or null. */
  stored(tile: Tile): Promise<Uint8Array | null>;
  /** The database's own tile, unproven, of the right length. Throws a Problem, but never "notFound". */
  fetch(tile: Tile): Promise<Uint8Array>;
  /** Stored where possible, else fetched. */
  read(tile: Tile): Promise<Uint8Array>;
  /** Keeps tiles that were proven; when it returns they are durable. */
  save(tiles: TileData[]): Promise<void>;
}

/** Where a tile is kept: one place for a full one, one for all widths of a partial one. */
function keyOf(tile: Tile, full: boolean): string {
  return `${tilePath({ ...tile, width: FULL })}${full ? "" : ".p"}`;
}

export function createTileStore(operations: Operations, name: string): TileStore {
  const memory = new Map<string, Uint8Array>();
  const fetching = new Map<string, Promise<Uint8Array>>();
  /** One save after the other, so that a narrower tile never overtakes a wider one. */
  let saving: Promise<unknown> = Promise.resolve();

  function remember(key: string, data: Uint8Array): void {
    memory.delete(key);
    memory.set(key, data);
    if (memory.size > REMEMBERED) memory.delete(memory.keys().next().value!);
  }

  async function load(key: string): Promise<Uint8Array | null> {
    const held = memory.get(key);
    if (held) return held;
    const data = await operations.stored(key);
    if (data) remember(key, data);
    return data;
  }

  async function stored(tile: Tile): Promise<Uint8Array | null> {
    const length = tile.width * HASH_SIZE;
    for (const full of [true, false]) {
      if (tile.width === FULL && !full) continue;
      const data = await load(keyOf(tile, full));
      if (data && data.length >= length) return data.subarray(0, length);
    }
    return null;
  }

  async function fetchOne(tile: Tile): Promise<Uint8Array> {
    let length = tile.width * HASH_SIZE;
    let data = await operations.fetch(tilePath(tile), null);
    if (!data && tile.width < FULL) {
      // A partial tile may go once the full one is there; golang.org/x/mod/sumdb does the same.
      data = await operations.fetch(tilePath({ ...tile, width: FULL }), null);
      length = FULL * HASH_SIZE;
    }
    if (!data) throw new Problem("unreachable", `${name} does not give ${tilePath(tile)}`);
    if (data.length !== length)
      throw new Problem("malformed", `${name} gave ${tilePath(tile)} with a wrong length`);
    return data.subarray(0, tile.width * HASH_SIZE);
  }

  function fetch(tile: Tile): Promise<Uint8Array> {
    const path = tilePath(tile);
    const running = fetching.get(path);
    if (running) return running;
    const started = fetchOne(tile).finally(() => fetching.delete(path));
    fetching.set(path, started);
    return started;
  }

  async function saveOne(tile: Tile, data: Uint8Array): Promise<void> {
    const held = await stored(tile);
    if (held && Buffer.compare(held, data) === 0) return;
    const key = keyOf(tile, tile.width === FULL);
    if (tile.width === FULL) await operations.store(key, data);
    else if (!(await operations.swap(key, data, await load(key)))) {
      memory.delete(key); // another process was faster, and may have a wider one
      return saveOne(tile, data);
    }
    remember(key, data);
  }

  return {
    stored,
    fetch,
    read: async (tile) => (await stored(tile)) ?? (await fetch(tile)),
    save(tiles) {
      const saved = saving.then(async () => {
        for (const [tile, data] of tiles) await saveOne(tile, data);
      });
      saving = saved.catch(() => {});
      return saved;
    },
  };
}
