import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import type { Database } from "./database.ts";
import { layoutOf } from "./layout.ts";
import {
  type Move,
  readFolderMove,
  readMove,
  refuseMoved,
  removeFolderMove,
  setCatalogAside,
  writeFolderMove,
  writeMove,
} from "./moves.ts";
import { openTestDatabase } from "./testkit.ts";

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = tempFolder("moves");
  database = await openTestDatabase(join(folder, "holdfast.db"));
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});
const left: Move = { state: "left", other: "postgres://there", at: "2026-11-27T06:00:00.000Z" };
const arriving: Move = { ...left, state: "arriving" };

test("what is said of a catalog stands with it, until nothing is to be said any more", async () => {
  expect(await readMove(database.read)).toBeNull();
  for (const move of [arriving, left]) {
    await writeMove(database, move);
    expect(await readMove(database.read)).toEqual(move);
  }
  await writeMove(database, null);
  expect(await readMove(database.read)).toBeNull();
});

test("or in a file beside it", async () => {
  const layout = layoutOf(folder);
  expect(readFolderMove(layout)).toBeNull();
  for (const move of [arriving, left]) {
    await writeFolderMove(layout, move);
    expect(readFolderMove(layout)).toEqual(move);
  }
  await removeFolderMove(layout);
  expect(readFolderMove(layout)).toBeNull();
  for (const wrong of ["{", "{}", '{"state":"gone","other":"x"}', "null"]) {
    writeFileSync(join(folder, "move.json"), wrong);
    expect(() => readFolderMove(layout)).toThrow("move.json is damaged");
  }
});

test("what keeps a server from starting says where to look", () => {
  refuseMoved(null, "/data");
  expect(() => refuseMoved(left, "/data")).toThrow(
    "What was in /data was moved to postgres://there on 2026-11-27",
  );
  expect(() => refuseMoved(arriving, "/data")).toThrow("has not come to its end");
});

test("a catalog that has left takes no other one's place", () => {
  const layout = layoutOf(join(folder));
  const path = layoutOf(folder).database;
  for (const number of [1, 2]) {
    writeFileSync(path, `${number}`);
    setCatalogAside(layout);
    expect(existsSync(path)).toBe(false);
  }
  setCatalogAside(layout);
  expect(readdirSync(folder).filter((name) => name.includes("left"))).toEqual([
    "holdfast.db.left-1",
    "holdfast.db.left-2",
  ]);
});
