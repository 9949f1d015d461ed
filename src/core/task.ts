// Work on stored bytes that would hold up the loop.
import type { RandomAccess } from "./artifact.ts";

/** Stored bytes, as a task reads them. */
export interface StoredBytes extends RandomAccess {
  /** All of them, from the start. Any number of times. */
  chunks(): AsyncIterable<Uint8Array>;
}

/**
 * Work on stored bytes that would hold up the loop: done in a thread beside it. Pure: what it returns (JSON) and writes follows from
 * its input alone. Throws Problems.
 */
export type Task = (input: TaskInput) => Promise<unknown>;

export interface TaskInput {
  /** JSON, as the call gave it. */
  // biome-ignore lint/suspicious/noExplicitAny: each task knows its own
  options: any;
  /** In the order of the call. */
  files: StoredBytes[];
  /** To the file that `Repository.derive` gives; nothing in `Repository.work`. */
  write(chunk: Uint8Array | string): Promise<void>;
}

/** When a task has its turn, where much else is to be done. */
export interface Turn {
  /** Nobody waits for it: it comes after all for which somebody does. */
  isBehind?: boolean;
  /** Takes it back while it waits for its turn. Once it has begun it is done to its end. */
  signal?: AbortSignal;
}

/** A file that a task wrote. */
export interface Derived extends RandomAccess {
  close(): Promise<void>;
}
