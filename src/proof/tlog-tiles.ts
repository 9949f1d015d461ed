// Where the tiles of a log stand, in the layout that static logs share. c2sp.org/tlog-tiles
import { FULL, type Tile, tilePath } from "./tile.ts";

/** "tile/0/x001/067", "tile/0/001.p/12"; of level -1, the entries themselves: "tile/entries/000". */
export function staticPath(tile: Tile): string {
  // The same but for the height, which is always 8, and the name of the entries.
  return tilePath(tile)
    .replace(/^tile\/8\//, "tile/")
    .replace(/^tile\/data\//, "tile/entries/");
}

const PATH = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** Null for anything that `staticPath` would not write. */
export function parseStaticPath(path: string): Tile | null {
  const match = PATH.exec(path);
  if (!match) return null;
  const tile: Tile = {
    level: match[1] === "entries" ? -1 : Number(match[1]),
    index: Number(match[2]!.replace(/[x/]/g, "")),
    width: match[3] === undefined ? FULL : Number(match[3]),
  };
  return tile.level < 7 && tile.width <= FULL && staticPath(tile) === path ? tile : null;
}

/** Entries of a bundle: each after its length in two bytes. Throws a RangeError for what is none. */
export function entriesOf(bundle: Uint8Array): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    if (at + 2 > bundle.length) throw new RangeError("A bundle of entries that is cut");
    const end = at + 2 + view.getUint16(at);
    if (end > bundle.length) throw new RangeError("A bundle of entries that is cut");
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/** Bytes of the longest entry that a bundle can hold. */
export const LONGEST = 0xffff;

export function bundleOf(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.length > LONGEST) throw new RangeError("An entry that is too long for a bundle");
      return [Buffer.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}
