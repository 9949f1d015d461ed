// The bytes of one answer as they come: watched for silence and shortness, held to a rate, and always given back.
import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "../core/problem.ts";
import { type Bucket, createFloor } from "./rate.ts";

export interface BodyWatch {
  host: string;
  /** Of content-length, where it applies. */
  expected: number | null;
  timeoutMs: number;
  bucket: Bucket | null;
  /** Bytes per second that must come on average over a minute; 0: none. */
  minRate: number;
  /** Milliseconds on a clock that is never put back. */
  now(): number;
  /** The caller's own limit. */
  pace: ((bytes: number) => number) | undefined;
  /** Ends the exchange; pending reads throw the reason. */
  abort(reason: unknown): void;
  /** The caller's, who may end the exchange as well. */
  signal: AbortSignal | undefined;
  received(bytes: number): void;
  /** Called once, however it ends: whole (null), given up by us (undefined), or why it failed. */
  ended(failure: string | null | undefined): void;
}

export interface Body extends AsyncIterable<Uint8Array> {
  discard(): Promise<void>;
}

// Up to this size, and this long, reading the rest is cheaper than a new connection.
const DISCARD_BYTES = 64 * 1024;
const DISCARD_MS = 1_000;
const SLOW_FOR_MS = 60_000;

/** Without a stream there is no body, and it has ended before it is asked for. */
export function createBody(stream: ReadableStream<Uint8Array> | null, watch: BodyWatch): Body {
  const reader = (stream ?? new Blob().stream()).getReader();
  const floor = createFloor(watch.minRate, SLOW_FOR_MS);
  let count = 0;
  let debtMs = 0;
  let over = false;
  let reason: string | undefined;
  /** What every later read throws: a body that broke never looks whole. */
  let thrown: { error: unknown } | null = null;

  function end(failure: string | null | undefined) {
    if (over) return;
    over = true;
    watch.signal?.removeEventListener("abort", onAbort);
    watch.ended(failure);
  }

  /** Also when nobody reads any more. */
  function onAbort() {
    thrown = { error: watch.signal?.reason };
    end(undefined);
  }

  function broken(text: string): Problem {
    reason = text;
    return new Problem("unreachable", `${watch.host}: ${text}`);
  }

  function cutShort(): Problem {
    const of = watch.expected === null ? "" : ` of ${watch.expected}`;
    return broken(`the answer ended after ${count}${of} bytes`);
  }

  function tooSlow(): Problem {
    const { minRate } = watch;
    const problem = broken(
      `sent less than ${minRate} bytes a second for ${SLOW_FOR_MS / 1000} s (minRate), ${count} in all`,
    );
    watch.abort(problem);
    return problem;
  }

  /** The next chunk, or null at the end. Bun holds the connection back while nobody reads. */
  async function read(timeoutMs: number): Promise<Uint8Array | null> {
    const timer = setTimeout(
      () => watch.abort(broken(`fell silent for ${timeoutMs / 1000} s after ${count} bytes`)),
      timeoutMs,
    );
    const began = watch.now();
    try {
      const { done, value } = await reader.read();
      if (!done) {
        count += value.length;
        watch.received(value.length);
        if (floor.isTooSlow(watch.now() - began, value.length)) throw tooSlow();
        return value;
      }
    } catch (error) {
      if (watch.signal?.aborted || error instanceof Problem) throw error;
      throw cutShort();
    } finally {
      clearTimeout(timer);
    }
    if (watch.expected !== null && count < watch.expected) throw cutShort();
    end(null);
    return null;
  }

  async function close() {
    if (over) return;
    end(undefined);
    await reader.cancel().catch(() => undefined);
  }

  async function next(): Promise<IteratorResult<Uint8Array>> {
    try {
      if (debtMs > 0 && !over)
        await pause(debtMs, undefined, watch.signal && { signal: watch.signal });
      const value = over ? null : await read(watch.timeoutMs);
      if (thrown) throw thrown.error;
      if (value === null) return { done: true, value: undefined };
      debtMs = Math.max(watch.bucket?.take(value.length) ?? 0, watch.pace?.(value.length) ?? 0);
      return { done: false, value };
    } catch (error) {
      thrown ??= { error };
      end(reason);
      throw thrown.error;
    }
  }

  async function discard() {
    const limit = count + DISCARD_BYTES;
    let worthReading = watch.expected === null || watch.expected <= limit;
    const timer = setTimeout(() => {
      worthReading = false;
    }, DISCARD_MS);
    try {
      while (worthReading && !over && count <= limit)
        await read(Math.min(watch.timeoutMs, DISCARD_MS));
    } catch {
      // What is thrown away may be broken: close() says that we gave it up.
    } finally {
      clearTimeout(timer);
    }
    await close();
  }

  watch.signal?.addEventListener("abort", onAbort, { once: true });
  if (!stream) end(null);
  return {
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        await close();
        return { done: true, value: undefined };
      },
    }),
    discard,
  };
}
