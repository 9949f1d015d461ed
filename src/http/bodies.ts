// Bodies of requests: read as they come, within limits of size, time and memory. Nothing is read that nobody asked for.
// Bun calls the handler before the body is there and holds the client back for as long as it is not read (measured with 1.4).

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Problem } from "../core/problem.ts";
import { within } from "../core/within.ts";
import { createBudget, type Share } from "./budget.ts";

export interface BodyOptions {
  /** Bytes of bodies that are in memory at a time, of all requests together. */
  memory: number;
  /** How long a client may be silent in the middle of one. */
  silenceMs: number;
  /** How long one may take, and a second more for each `RATE` bytes. Only time that the client is waited for counts. */
  timeMs: number;
}

/** One request's. Read once, as a whole or as a stream. */
export interface RequestBody {
  /** See `Request.body` in src/core. */
  whole(limit: number): Promise<Uint8Array>;
  /** See `Request.stream` in src/core. */
  stream(limit: number): AsyncIterable<Uint8Array>;
  /** The request is answered: what was read is let go of. */
  close(): void;
}

export interface Bodies {
  /** Bytes in memory. */
  readonly used: number;
  /** `silence`: sets after how many seconds of silence Bun cuts this request's connection; 0 for never. */
  open(request: Request, silence: (seconds: number) => void): RequestBody;
}

/** Bytes in a second, at least. */
const RATE = 64 * 1024;
const WAIT_MS = 10_000;
/** The rest of a body that is not wanted is thrown away for so long, so that the client comes to read the answer. Seconds. */
const LINGER = 10;
/** The longest silence that Bun allows: a client may wait for a large file that is fetched for the first time. Seconds. */
export const PATIENCE = 255;

export function createBodies({ memory, silenceMs, timeMs }: BodyOptions): Bodies {
  const budget = createBudget(memory, WAIT_MS);

  /** As they come from the client. */
  async function* received(
    request: Request,
    limit: number,
    silence: (seconds: number) => void,
  ): AsyncGenerator<Uint8Array> {
    if (Number(request.headers.get("content-length") ?? 0) > limit) {
      silence(LINGER);
      throw tooLarge(limit);
    }
    const reader = request.body?.getReader();
    if (!reader) return;
    let size = 0;
    let waited = 0;
    let isWhole = false;
    // Bun counts from the beginning of the request, whatever comes.
    silence(0);
    try {
      for (;;) {
        const left = timeMs + (size / RATE) * 1000 - waited;
        const began = performance.now();
        const next = await inTime(Math.min(silenceMs, left), reader.read());
        waited += performance.now() - began;
        if (next.done) break;
        size += next.value.length;
        if (size > limit) throw tooLarge(limit);
        yield next.value;
      }
      isWhole = true;
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw new Problem("badRequest", "The request's body ended early", { cause: error });
    } finally {
      silence(isWhole ? PATIENCE : LINGER);
      if (!isWhole) reader.cancel().catch(() => {}); // the connection may be gone
    }
  }

  function open(request: Request, silence: (seconds: number) => void): RequestBody {
    const isPacked = request.headers.get("content-encoding")?.toLowerCase() === "gzip";
    let share: Share | null = null;
    let isRead = false;
    function stream(limit: number): AsyncIterable<Uint8Array> {
      isRead = true;
      const chunks = received(request, limit, silence);
      return isPacked ? unpacked(chunks, limit) : chunks;
    }
    return {
      stream,
      async whole(limit) {
        share ??= budget.open(Number(request.headers.get("content-length") ?? 0));
        const parts: Uint8Array[] = [];
        for await (const chunk of stream(limit)) {
          await share.take(chunk.length);
          parts.push(chunk);
        }
        return Buffer.concat(parts);
      },
      close() {
        share?.close();
        if (!isRead && request.body) silence(LINGER);
      },
    };
  }

  return {
    open,
    get used() {
      return budget.used;
    },
  };
}

function tooLarge(limit: number): Problem {
  return new Problem("tooLarge", `The request's body is larger than ${limit} bytes`);
}

function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  return within(Math.max(0, ms), work, () => {
    throw new Problem("timeout", "The request's body did not come in time (requests)");
  });
}

/** Beside the loop: a bomb takes a tenth of a second until its limit. */
async function* unpacked(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array> {
  const plain = createGunzip();
  const passed = pipeline(Readable.from(chunks), plain);
  passed.catch(() => {}); // told by `plain`
  let size = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("badRequest", "The request's body is not whole gzip data", { cause: error });
  }
}
