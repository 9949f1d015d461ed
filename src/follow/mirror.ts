// A copy of the primary's append-only log: it grows as that one grows, and by nothing that does not go on from what was proven before.
import { Problem } from "../core/problem.ts";
import { DamagedLog, emptyTree, readEntries, readTile, readTree } from "../ledger/log/tree.ts";
import { type Checkpoint, noteText, openCheckpoint, parseCheckpoint } from "../proof/checkpoint.ts";
import { sameHash, type Tree } from "../proof/merkle.ts";
import { FULL, hashesAtLevel } from "../proof/tile.ts";
import { entriesOf, LONGEST, parseStaticPath, staticPath } from "../proof/tlog-tiles.ts";
import { parseVerifierKey } from "../proof/verifier.ts";
import type { LogFiles } from "../store/log-files.ts";

/** Bytes at a path of the primary; null where there is nothing. Throws a Problem where it cannot be asked, or sends more than `limit`. */
export type ReadPrimary = (path: string, limit: number) => Promise<Uint8Array | null>;

/** What the primary shows is not what it showed before, or not what it signed. */
export class Forked extends Error {
  override readonly name = "Forked";
  readonly kind: "fork" | "rollback";
  constructor(kind: "fork" | "rollback", message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface Mirror {
  /** Leaves that are proven. */
  size(): number;
  /** The newest checkpoint that held, with what witnesses signed of it; null for none yet. */
  note(): string | null;
  /** A tile, or a bundle of entries, of that checkpoint; null for what is none. */
  tile(path: string): Promise<Uint8Array | null>;
  /** The entries of a bundle, which are proven: `index` counts bundles. */
  entries(index: number): Promise<Uint8Array[]>;
  /** Knows of no leaf any more. */
  forget(): void;
  /**
   * Goes on to the newest checkpoint. What was copied before it fails is not copied again, and nothing of it counts before it is proven. Resolves to how many
   * leaves the primary has. Throws Forked, and a Problem where it cannot be asked; then all is as it was.
   */
  advance(read: ReadPrimary): Promise<number>;
}

export interface MirrorDeps {
  files: LogFiles;
  /** Of the primary's log, as /-/log/key gives it. */
  key: string;
  /** The newest checkpoint that held: where it stands is nothing that a file alone can say. */
  proven: string | null;
  /** Keeps another one. On the disk when it resolves. */
  prove(note: string): Promise<void>;
}

const CHECKPOINT_LIMIT = 64 * 1024;
const BUNDLE_LIMIT = FULL * (2 + LONGEST);
/** Bundles that are asked for at once: a thin line is mostly a long one. */
const AT_ONCE = 4;

/** A page of what stands before it, for one: that says nothing of its history. */
function somethingElse(shown: string): Problem {
  return new Problem(
    "malformed",
    `It shows ${shown} where its log is: something else answers in its place`,
  );
}

export async function openMirror({ files, key, proven, prove }: MirrorDeps): Promise<Mirror> {
  const verifier = parseVerifierKey(key)!;
  let note = proven;
  let known: Tree = proven === null ? emptyTree(files) : parseCheckpoint(noteText(proven)!)!;
  /** All that was copied: beyond what is known nobody vouches for it yet. */
  let copied = await readTree(known, files).catch((error) => {
    if (error instanceof DamagedLog) return emptyTree(files); // copied again, and held against what is known
    throw error;
  });
  let isWhole = copied.size === known.size;

  function opened(text: string): Checkpoint {
    const signed = noteText(text);
    if (signed === null || !parseCheckpoint(signed)) throw somethingElse("no checkpoint");
    try {
      return openCheckpoint(text, verifier);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw new Forked(
        "fork",
        `its checkpoint is not of the log that is followed: ${error.message}`,
      );
    }
  }

  /** Adds the bundles of the primary's tree of `size` from where the copy ends, not past `end`. */
  async function copy(read: ReadPrimary, size: number, end: number): Promise<void> {
    const first = Math.floor(copied.size / FULL);
    const last = Math.min(Math.floor((end - 1) / FULL), first + AT_ONCE - 1);
    const bundles = await Promise.all(
      Array.from({ length: last - first + 1 }, (_, at) => bundleOf(read, size, first + at)),
    );
    for (const [at, entries] of bundles.entries()) {
      const start = (first + at) * FULL;
      const added = entries.slice(copied.size - start, end - start);
      const next = await copied.append(added);
      for (const path of next.filled) await files.remove(`${path}.p`);
      copied = next;
    }
  }

  async function bundleOf(read: ReadPrimary, size: number, index: number): Promise<Uint8Array[]> {
    const width = Math.min(FULL, size - index * FULL);
    const path = staticPath({ level: -1, index, width });
    const bytes = await read(`/-/log/${path}`, BUNDLE_LIMIT);
    let entries: Uint8Array[] = [];
    try {
      if (bytes) entries = entriesOf(bytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (entries.length === width) return entries;
    throw new Problem(
      "malformed",
      `The primary's ${path} does not hold ${width} leaves, as its checkpoint says`,
    );
  }

  async function copyTo(read: ReadPrimary, size: number, wanted: Tree): Promise<void> {
    while (copied.size < wanted.size) await copy(read, size, wanted.size);
    if (sameHash(copied.hash, wanted.hash)) return;
    // What was wrong is not told by a root: all of it is copied anew.
    copied = isWhole ? await readTree(known, files) : emptyTree(files);
    throw new Forked(
      "fork",
      `its ${wanted.size} leaves do not give the root that ${wanted === known ? "they gave before" : "it signed"}`,
    );
  }

  return {
    size: () => (isWhole ? known.size : 0),
    note: () => (isWhole ? note : null),
    async tile(path) {
      const tile = parseStaticPath(path);
      if (!tile || !isWhole) return null;
      const width = hashesAtLevel(known.size, Math.max(0, tile.level)) - tile.index * FULL;
      return width < tile.width ? null : readTile(files, tile.level, tile.index, tile.width);
    },
    forget() {
      known = emptyTree(files);
      copied = emptyTree(files);
      [note, isWhole] = [null, true];
    },
    entries: (index) => readEntries(files, known.size, index),
    async advance(read) {
      const bytes = await read("/-/log/checkpoint", CHECKPOINT_LIMIT);
      if (!bytes) {
        if (known.size === 0) return 0;
        if (!(await read("/-/log/key", CHECKPOINT_LIMIT))) throw somethingElse("nothing");
        throw new Forked("rollback", `it shows no leaf, and had ${known.size}`);
      }
      const text = Buffer.from(bytes).toString();
      const newest = opened(text);
      if (newest.size < known.size)
        throw new Forked("rollback", `it has ${newest.size} leaves, and had ${known.size}`);
      if (copied.size > newest.size) copied = await readTree(known, files);
      if (!isWhole) {
        await copyTo(read, newest.size, known);
        isWhole = true;
      }
      await copyTo(read, newest.size, newest);
      if (text === note) return newest.size;
      await prove(text);
      [known, note] = [newest, text];
      return newest.size;
    },
  };
}
