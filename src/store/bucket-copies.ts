// Which copies of a bucket's blobs are on this machine, by their last use: the bound on them, and what goes when there are more.
import { readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { fileOf, SHA256 } from "./layout.ts";

/** What was used within this time is likely being sent, or about to be opened: it stays, whatever the bound. */
const RECENT_MS = 10 * 60 * 1000;
/** Where the disk is full that is too long: what was used within this time may be about to be opened. Who has opened a file keeps it. */
const JUST_MS = 2_000;
/** So much goes at once where the disk is full, or a quarter of all. Bytes. */
const ROOM = 64 * 1024 * 1024;
/** A file takes whole blocks of the disk. */
const BLOCK = 4096;
/** Copies of which it is remembered when they were used: each takes some hundred bytes of memory. */
const MOST = 250_000;

export interface Copies {
  /** It has come, or is used. */
  note(sha256: string, size: number): void;
  /** It has come, and was compared with its digest: its file is as `stamp` says. */
  prove(sha256: string, size: number, stamp: string): void;
  isProven(sha256: string, stamp: string): boolean;
  gone(sha256: string): void;
  /** The disk is full: some go, those used longest ago first, whatever the bound. Whether any did. */
  makeRoom(): Promise<boolean>;
  /** Resolves when there are no more than there may be, or all that are left were used just now. */
  settled(): Promise<void>;
}

export interface CopiesOptions {
  /** Bytes; null where another process sees to that. */
  limit: number | null;
  /** Milliseconds that only grow. */
  elapsed?(): number;
}

interface Copy {
  size: number;
  usedAt: number;
  stamp: string | null;
}

/** `folder`: may hold copies of an earlier run, which count as used long ago. It is looked through behind. */
export function countCopies(
  folder: string,
  { limit, elapsed = () => performance.now() }: CopiesOptions,
): Copies {
  /** Sizes of what an earlier run left, which goes first: when it was used is not written down. */
  const left = new Map<string, number>();
  /** Those used longest ago first. */
  const used = new Map<string, Copy>();
  let bytes = 0;
  let work: Promise<void> = limit === null ? Promise.resolve() : look().then(shrink);

  let clearing: Promise<boolean> | null = null;

  async function look(): Promise<void> {
    for (const first of await readdir(folder).catch(() => []))
      for (const rest of await readdir(join(folder, first)).catch(() => [])) {
        const sha256 = first + rest;
        if (!SHA256.test(sha256)) continue;
        const found = await stat(fileOf(folder, sha256)).catch(() => null);
        if (!found || used.has(sha256)) continue;
        left.set(sha256, blocks(found.size));
        bytes += blocks(found.size);
      }
  }

  const isTooMuch = () => limit !== null && (bytes > limit || left.size + used.size > MOST);

  async function shrink(): Promise<void> {
    for (const sha256 of left.keys()) {
      if (!isTooMuch()) return;
      await drop(sha256);
    }
    for (const [sha256, { usedAt }] of used) {
      if (!isTooMuch() || elapsed() - usedAt < RECENT_MS) return;
      await drop(sha256);
    }
  }

  async function clear(): Promise<boolean> {
    const before = bytes;
    const isEnough = () => before - bytes >= Math.max(ROOM, before / 4);
    for (const sha256 of left.keys()) if (!isEnough()) await drop(sha256);
    for (const [sha256, { usedAt }] of used) {
      if (isEnough() || elapsed() - usedAt < JUST_MS) break;
      await drop(sha256);
    }
    return bytes < before;
  }

  async function drop(sha256: string): Promise<void> {
    gone(sha256);
    await unlink(fileOf(folder, sha256)).catch(() => {}); // removed by hand
  }

  function set(sha256: string, size: number, stamp: string | null): void {
    gone(sha256);
    used.set(sha256, { size: blocks(size), usedAt: elapsed(), stamp });
    bytes += blocks(size);
    if (isTooMuch()) work = work.then(shrink);
  }

  function gone(sha256: string): void {
    bytes -= used.get(sha256)?.size ?? left.get(sha256) ?? 0;
    used.delete(sha256);
    left.delete(sha256);
  }

  return {
    note: (sha256, size) => set(sha256, size, used.get(sha256)?.stamp ?? null),
    prove: set,
    isProven: (sha256, stamp) => used.get(sha256)?.stamp === stamp,
    gone,
    makeRoom() {
      if (limit === null) return Promise.resolve(false);
      clearing ??= work.then(clear).finally(() => {
        clearing = null;
      });
      return clearing;
    },
    settled: () => work,
  };
}

function blocks(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}
