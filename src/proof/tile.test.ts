// Tile names and geometry against golang.org/x/mod/sumdb/tlog (formats/go/testdata/vectors.go).
import { expect, test } from "bun:test";
import { createLog } from "../formats/go/sumdb/testing.ts";
import { recordHash } from "./merkle.ts";
import paths from "./testdata/tilepaths.json" with { type: "json" };
import vectors from "./testdata/tlog.json" with { type: "json" };
import { createKey } from "./testkit.ts";
import { FULL, parentOf, parseTilePath, tileOf, tilePath, widest } from "./tile.ts";

for (const { Level, Index, Width, Path } of paths)
  test(`${Path} is read and written`, () => {
    const tile = { level: Level, index: Index, width: Width };
    expect(tilePath(tile)).toBe(Path);
    expect(parseTilePath(Path)).toEqual(tile);
  });

const bad = [
  "",
  "tile/8/0",
  "tile/8/0/1",
  "tile/8/0/0001",
  "tile/8/0/001/002",
  "tile/8/0/x000/001",
  "tile/8/0/001.p/256",
  "tile/8/0/001.p/0",
  "tile/8/0/001.p/012",
  "tile/8/0/001.p/",
  "tile/8/-1/001",
  "tile/8/01/001",
  "tile/8/99/001",
  "tile/9/0/001",
  "tile/8/0/x999/x999/x999/x999/x999/999",
  "/tile/8/0/001",
  "tile/8/0/001\n",
];
for (const path of bad)
  test(`no tile: ${JSON.stringify(path)}`, () => expect(parseTilePath(path)).toBeNull());

test("tiles hold the bytes that Go puts into them", async () => {
  const log = createLog(createKey("sums.example.test"));
  for (let at = 0; at < 600; at += 1) log.records.push(`record ${at}\n`);
  for (const [path, want] of Object.entries(vectors.tiles)) {
    const data = await log.answer(path);
    expect(Buffer.from(recordHash(data!)).toString("base64")).toBe(want);
  }
});

test("a hash is in the tile that covers it, as wide as the tree has it", () => {
  expect(tileOf({ level: 0, index: 599 }, 600)).toEqual({ level: 0, index: 2, width: 88 });
  expect(tileOf({ level: 6, index: 8 }, 600)).toEqual({ level: 0, index: 2, width: 88 });
  expect(tileOf({ level: 8, index: 1 }, 600)).toEqual({ level: 1, index: 0, width: 2 });
  expect(tileOf({ level: 0, index: 3 }, 600)).toEqual({ level: 0, index: 0, width: FULL });
  expect(() => tileOf({ level: 0, index: 256 }, 256)).toThrow(RangeError);
  expect(widest({ level: 1, index: 1, width: FULL }, 600)).toBeNull();
  expect(parentOf({ level: 0, index: 1, width: FULL }, 600)).toEqual({
    level: 1,
    index: 0,
    width: 2,
  });
});
