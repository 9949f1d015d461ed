// A client of a checksum database that trusts its key and nothing else, and keeps all that the go command will ask to see.
// The one tree head that is shown to clients, and why: docs/decisions/0006-checksum-database-offline.md
import { Problem } from "../../../core/problem.ts";
import {
  foldSubtrees,
  proveTree,
  recordHash,
  sameHash,
  subtrees,
  type Tree,
} from "../../../proof/merkle.ts";
import { openNote } from "../../../proof/note.ts";
import { readProven, type TileData, UnprovenTile } from "../../../proof/reader.ts";
import { FULL, HASH_SIZE, type Tile, tilePath, widest } from "../../../proof/tile.ts";
import type { Verifier } from "../../../proof/verifier.ts";
import type { Fork, Operations } from "./operations.ts";
import { type DatabaseRecord, formatRecord, parseRecord, parseTree } from "./texts.ts";
import { createTileStore } from "./tilestore.ts";

/** A signed tree head. */
interface Head {
  tree: Tree;
  note: string;
}

/** Bytes for a client, and whether the database was asked for them. */
export interface Shown {
  bytes: Uint8Array;
  fetched: boolean;
}

export interface SumdbClient {
  readonly name: string;
  /** The proven record of a module's version, or null when the database says that it has none. */
  record(lookup: string, module: string, version: string): Promise<DatabaseRecord | null>;
  /** A lookup's answer: that record, with the newest proven tree head. */
  lookup(lookup: string, module: string, version: string): Promise<Shown | null>;
  /** Proven bytes of a tile of hashes; null when the newest tree does not have it. */
  tile(tile: Tile): Promise<Shown | null>;
  /** The records 256 × index and following, checked against the tile of their hashes. Not stored: the go command never asks for them. */
  data(tile: Tile): Promise<Shown | null>;
  /** The newest proven tree head, after a look at the database's when that can be asked. */
  latest(): Promise<Shown>;
  /** Throws Problem("tampered") once a fork was seen. */
  assertNotForked(): Promise<void>;
}

export const FROZEN = "frozen";
export const LATEST = "latest";
const EMPTY: Head = { tree: { size: 0, hash: foldSubtrees([]) }, note: "" };
const REMEMBERED_HEADS = 1024;

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Problem("malformed", "The checksum database's answer is not text");
  }
}

function base64(hash: Uint8Array): string {
  return Buffer.from(hash).toString("base64");
}

export function createClient(verifier: Verifier, operations: Operations): SumdbClient {
  const { name } = verifier;
  const store = createTileStore(operations, name);
  let head: Promise<Head> | null = null;
  /** `Operations.heard` when it was read. */
  let headTurn: number | null = null;
  let installing: Promise<unknown> = Promise.resolve();
  const lookups = new Map<string, Promise<DatabaseRecord | null>>();
  /** Heads already found to be on our timeline. Consistency is transitive, so they stay so. */
  const onTimeline = new Set<string>();

  async function openHead(note: string): Promise<Head> {
    return { tree: parseTree(openNote(note, verifier)), note };
  }

  function newest(): Promise<Head> {
    const turn = operations.heard();
    if (head && turn === headTurn) return head;
    const reading = readHead(head).catch((error) => {
      if (head === reading) head = null;
      throw error;
    });
    headTurn = turn;
    head = reading;
    return reading;
  }

  /** The same object where it is the same head: who compares two must not take them for different ones. */
  async function readHead(before: Promise<Head> | null): Promise<Head> {
    const known = await before?.catch(() => null);
    const bytes = await operations.stored(LATEST);
    if (!bytes) return EMPTY;
    const note = decode(bytes);
    return known?.note === note ? known : openHead(note);
  }

  async function assertNotForked(): Promise<void> {
    if (!(await operations.stored(FROZEN))) return;
    throw new Problem(
      "tampered",
      `The checksum database ${name} forked: two signed trees contradict each other, so nothing new is taken in until an operator has looked`,
    );
  }

  /** Reads with what is stored, and where that does not prove itself, once more with nothing but fetched tiles. */
  async function prove(tree: Tree, wanted: Parameters<typeof readProven>[1]) {
    try {
      return await readProven(tree, wanted, store.read);
    } catch (error) {
      if (!(error instanceof UnprovenTile)) throw error;
    }
    try {
      return await readProven(tree, wanted, store.fetch);
    } catch (error) {
      if (!(error instanceof UnprovenTile)) throw error;
      throw new Problem("tampered", `The tiles of ${name} do not prove its tree: ${error.message}`);
    }
  }

  async function freeze(older: Head, newer: Head, tiles: TileData[], hash: Uint8Array) {
    const known = new Map(tiles.map(([tile, data]) => [tilePath(tile), data]));
    const read = async (tile: Tile) => known.get(tilePath(tile)) ?? store.read(tile);
    const proof = await proveTree(
      newer.tree.size,
      older.tree.size,
      async (at) => (await readProven(newer.tree, at, read)).hashes,
    ).catch(() => []);
    const evidence: Fork = {
      older: older.note,
      newer: newer.note,
      hash: base64(hash),
      proof: proof.map(base64),
      at: new Date(operations.now()).toISOString(),
    };
    await operations.store(FROZEN, JSON.stringify(evidence));
    operations.forked(evidence);
    await assertNotForked();
  }

  /** Checks that `newer` begins with `older`, and only then keeps the tiles that prove it. */
  async function checkTimeline(older: Head, newer: Head): Promise<void> {
    const proven = await prove(newer.tree, subtrees(0, older.tree.size));
    const hash = foldSubtrees(proven.hashes);
    if (!sameHash(hash, older.tree.hash)) await freeze(older, newer, proven.tiles, hash);
    await store.save(proven.tiles);
  }

  /** Makes a head the newest, when no other came between, in this process or another. Its tiles are stored before it is. */
  function install(next: Head, previous: Head): Promise<boolean> {
    const turn = installing.then(async () => {
      if ((await newest()) !== previous) return false;
      const before = previous === EMPTY ? null : Buffer.from(previous.note);
      const isOurs = await operations.swap(LATEST, Buffer.from(next.note), before);
      head = isOurs ? Promise.resolve(next) : null;
      return isOurs;
    });
    installing = turn.catch(() => {});
    return turn;
  }

  /** Brings a signed head and ours onto one timeline, moving ours forward when the other is larger; never back. */
  async function merge(note: string): Promise<Head> {
    const other = await openHead(note);
    const key = `${other.tree.size} ${base64(other.tree.hash)}`;
    for (;;) {
      const ours = await newest();
      if (other.tree.size <= ours.tree.size) {
        if (!onTimeline.has(key)) await checkTimeline(other, ours);
        if (onTimeline.size >= REMEMBERED_HEADS) onTimeline.clear();
        onTimeline.add(key);
        return ours;
      }
      await checkTimeline(ours, other);
      if (await install(other, ours)) return other;
    }
  }

  /** CVE-2026-56864: nothing but the record's own text, which is under the tree's hash, says anything about a module. */
  function assertAbout(record: DatabaseRecord, module: string, version: string): void {
    const own = [`${module} ${version} `, `${module} ${version}/go.mod `];
    const lines = record.text.split("\n").slice(0, -1);
    if (lines.every((line) => own.some((start) => line.startsWith(start)))) return;
    throw new Problem("tampered", `${name} answered for ${module}@${version} with another record`);
  }

  async function checkRecord(record: DatabaseRecord, { tree }: Head): Promise<void> {
    if (record.id >= tree.size)
      throw new Problem("tampered", `${name} answered with a record that its tree does not hold`);
    const proven = await prove(tree, [{ level: 0, index: record.id }]);
    if (!sameHash(proven.hashes[0]!, recordHash(record.text)))
      throw new Problem("tampered", `${name} answered with a record that is not in its tree`);
    await store.save(proven.tiles);
  }

  async function storedRecord(lookup: string): Promise<DatabaseRecord | null> {
    const bytes = await operations.stored(lookup);
    if (!bytes) return null;
    const { record } = parseRecord(decode(bytes));
    return record.id < (await newest()).tree.size ? record : null;
  }

  async function fetchRecord(lookup: string, module: string, version: string) {
    await assertNotForked();
    const bytes = await operations.fetch(lookup, module);
    if (!bytes) return null;
    const { record, note } = parseRecord(decode(bytes));
    assertAbout(record, module, version);
    await checkRecord(record, await merge(note));
    await operations.store(lookup, bytes);
    return record;
  }

  async function find(lookup: string, module: string, version: string) {
    const stored = await storedRecord(lookup);
    if (stored) return { record: stored, fetched: false };
    let running = lookups.get(lookup);
    if (!running) {
      running = fetchRecord(lookup, module, version).finally(() => lookups.delete(lookup));
      lookups.set(lookup, running);
    }
    return { record: await running, fetched: true };
  }

  async function refresh(): Promise<Head> {
    await assertNotForked();
    const bytes = await operations.fetch(LATEST, null);
    if (!bytes) throw new Problem("unreachable", `${name} has no tree head`);
    return merge(decode(bytes));
  }

  async function tile(wanted: Tile): Promise<Shown | null> {
    const stored = await store.stored(wanted);
    if (stored) return { bytes: stored, fetched: false };
    let { tree } = await newest();
    let whole = widest(wanted, tree.size);
    if (!whole || whole.width < wanted.width) {
      tree = (await refresh()).tree;
      whole = widest(wanted, tree.size);
      if (!whole || whole.width < wanted.width) return null;
    }
    const first = { level: whole.level * 8, index: whole.index * FULL };
    const proven = await prove(tree, [first]);
    await store.save(proven.tiles);
    const path = tilePath(whole);
    const [, data] = proven.tiles.find(([one]) => tilePath(one) === path)!;
    return { bytes: data.subarray(0, wanted.width * HASH_SIZE), fetched: true };
  }

  return {
    name,
    assertNotForked,
    tile,
    record: async (lookup, module, version) => (await find(lookup, module, version)).record,
    async lookup(lookup, module, version) {
      const { record, fetched } = await find(lookup, module, version);
      if (!record) return null;
      const { note } = await newest();
      return { bytes: Buffer.from(formatRecord(record) + note), fetched };
    },
    async data(wanted) {
      const hashes = await tile({ ...wanted, level: 0 });
      const bytes = hashes && (await operations.fetch(tilePath(wanted), null));
      if (!hashes || !bytes) return null;
      const records = decode(bytes).split("\n\n");
      const right = records.slice(0, -1).every((text, at) => {
        const want = hashes.bytes.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE);
        return sameHash(want, recordHash(`${text}\n`));
      });
      if (!right || records.length !== wanted.width + 1 || records.at(-1) !== "")
        throw new Problem("tampered", `${name} answered with records that are not in its tree`);
      return { bytes, fetched: true };
    },
    async latest() {
      const ours = await newest();
      try {
        return { bytes: Buffer.from((await refresh()).note), fetched: true };
      } catch (error) {
        if (!(error instanceof Problem) || ours === EMPTY) throw error;
        return { bytes: Buffer.from(ours.note), fetched: false };
      }
    },
  };
}
