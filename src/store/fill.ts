// One file on its way to this machine, which any number of clients read along, none of them to the end before it is proven.
import { type FileHandle, open } from "node:fs/promises";
import { guard } from "./guard.ts";

/** The last bytes of a running download are held back until the digest is proven; smaller files wait whole. */
export const HOLD = 64 * 1024;
const READ = 256 * 1024;

/** Owned by the download; readers never write. */
export interface Fill {
  readonly path: string;
  /** Bytes in the file so far. */
  readonly written: number;
  readonly state: "running" | "proven" | "failed";
  /** Resolves when `written` or `state` changes; rejects when the download fails or proves false. */
  changed(): Promise<void>;
}

export interface FillControl extends Fill {
  advance(written: number): void;
  /** The file has another name now. */
  move(path: string): void;
  prove(): void;
  fail(error: unknown): void;
}

export function createFill(path: string): FillControl {
  let written = 0;
  let state: Fill["state"] = "running";
  let failure: unknown;
  let next = Promise.withResolvers<void>();
  next.promise.catch(() => {}); // nobody may be listening

  function wake(): void {
    const woken = next;
    next = Promise.withResolvers<void>();
    next.promise.catch(() => {});
    if (state === "failed") woken.reject(failure);
    else woken.resolve();
  }

  return {
    get path() {
      return path;
    },
    get written() {
      return written;
    },
    get state() {
      return state;
    },
    changed() {
      return state === "failed" ? Promise.reject(failure) : next.promise;
    },
    advance(to) {
      written = to;
      wake();
    },
    move(to) {
      path = to;
    },
    prove() {
      state = "proven";
      wake();
    },
    fail(error) {
      state = "failed";
      failure = error;
      wake();
    },
  };
}

/** Bytes that may leave already: all once the digest is proven, and until then all but the last `HOLD`. */
export function releasable({ state, written }: Fill): number {
  return state === "proven" ? written : Math.max(0, written - HOLD);
}

/** Yields bytes as they arrive but holds the last `HOLD` back until the digest is proven. From `start`, up to `end` (not included). */
export async function* follow(
  fill: Fill,
  start = 0,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const file = await openFill(fill);
  try {
    let sent = start;
    while (sent < end && (fill.state !== "proven" || sent < fill.written)) {
      const ready = Math.min(end, releasable(fill));
      if (sent >= ready) {
        await fill.changed();
        continue;
      }
      const buffer = Buffer.allocUnsafe(Math.min(READ, ready - sent));
      const { bytesRead } = await guard(file.read(buffer, 0, buffer.length, sent));
      if (bytesRead === 0) throw new Error(`The download at ${fill.path} is shorter than it said`);
      sent += bytesRead;
      yield buffer.subarray(0, bytesRead);
      if (fill.state === "failed") await fill.changed();
    }
  } finally {
    await file.close();
  }
}

/** The file is given its final name, or removed, at some moment: perhaps between reading the name and opening it. */
export async function openFill(fill: Fill): Promise<FileHandle> {
  for (;;) {
    if (fill.state === "failed") await fill.changed();
    const { state } = fill;
    try {
      return await guard(open(fill.path, "r"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || state === "proven") throw error;
      if (fill.state === state) await fill.changed();
    }
  }
}
