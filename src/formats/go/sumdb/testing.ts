// A checksum database for tests: a real log with a real key, that can be made to lie.
import { createHash } from "node:crypto";
import { type HashAt, nodeHash, recordHash, type Tree, treeHash } from "../../../proof/merkle.ts";
import type { TestKey } from "../../../proof/testkit.ts";
import { FULL, hashesAtLevel, parseTilePath, type Tile } from "../../../proof/tile.ts";
import { formatRecord, formatTree } from "./texts.ts";

/** A plausible h1 of anything. */
export function h1(of: string): string {
  return `h1:${createHash("sha256").update(of).digest("base64")}`;
}

/** The two go.sum lines of a module's version, with hashes made up of their names. */
export function goSum(module: string, version: string): string {
  const zip = `${module} ${version}`;
  const mod = `${module} ${version}/go.mod`;
  return `${zip} ${h1(zip)}\n${mod} ${h1(mod)}\n`;
}

export interface TestLog {
  key: TestKey;
  records: string[];
  add(module: string, version: string): number;
  /** As many unremarkable records as it takes to hold `size`. */
  grow(size: number): void;
  tree(size?: number): Promise<Tree>;
  /** A signed tree head. */
  note(size?: number): Promise<string>;
  /** What the database answers at a path; null for 404. */
  answer(path: string): Promise<Uint8Array | null>;
}

function lookupOf(record: string): string {
  const [module, version] = record.split(" ");
  return `lookup/${`${module}@${version}`.replace(/[A-Z]/g, (one) => `!${one.toLowerCase()}`)}`;
}

export function createLog(key: TestKey): TestLog {
  const records: string[] = [];
  const hashes = new Map<string, Uint8Array>();

  function hash({ level, index }: HashAt): Uint8Array {
    const place = `${level}/${index}`;
    const known = hashes.get(place);
    if (known) return known;
    const made =
      level === 0
        ? recordHash(records[index]!)
        : nodeHash(
            hash({ level: level - 1, index: index * 2 }),
            hash({ level: level - 1, index: index * 2 + 1 }),
          );
    hashes.set(place, made);
    return made;
  }

  const read = async (at: HashAt[]) => at.map(hash);

  function tileData(tile: Tile): Uint8Array | null {
    const first = tile.index * FULL;
    if (tile.level === -1) {
      const texts = records.slice(first, first + tile.width);
      return texts.length === tile.width ? Buffer.from(`${texts.join("\n")}\n`) : null;
    }
    if (first + tile.width > hashesAtLevel(records.length, tile.level)) return null;
    const level = tile.level * 8;
    const all = Array.from({ length: tile.width }, (_, at) => hash({ level, index: first + at }));
    return Buffer.concat(all);
  }

  const log: TestLog = {
    key,
    records,
    add(module, version) {
      records.push(goSum(module, version));
      return records.length - 1;
    },
    grow(size) {
      while (records.length < size) log.add(`filler.test/m${records.length}`, "v1.0.0");
    },
    tree: async (size = records.length) => ({ size, hash: await treeHash(size, read) }),
    note: async (size) => key.sign(formatTree(await log.tree(size))),
    async answer(path) {
      if (path === "supported") return Buffer.from("ok");
      if (path === "latest") return Buffer.from(await log.note());
      const tile = parseTilePath(path);
      if (tile) return tileData(tile);
      const id = records.findIndex((record) => lookupOf(record) === path);
      if (id < 0) return null;
      return Buffer.from(formatRecord({ id, text: records[id]! }) + (await log.note()));
    },
  };
  return log;
}
