// Spans on their way to a collector: some wait, more are dropped, and a collector that is away is told of once.
import type { Log } from "../core/log.ts";
import type { Span } from "./span.ts";

export interface QueueOptions {
  /** Brings spans to the collector. Rejects with why that failed. */
  post(spans: readonly Span[]): Promise<void>;
  log: Log;
}

export interface Queue {
  add(span: Span): void;
  /** Brings what waits, as far as the collector takes it. */
  close(): Promise<void>;
}

const WAITING = 4096;
const BATCH = 512;
const EVERY_MS = 2000;

export function createQueue({ post, log }: QueueOptions): Queue {
  let waiting: Span[] = [];
  let isAway = false;
  let dropped = 0;
  let sending: Promise<void> | null = null;
  const timer = setInterval(() => void flush(), EVERY_MS);
  timer.unref();

  function flush(): Promise<void> {
    sending ??= send().finally(() => {
      sending = null;
    });
    return sending;
  }

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      try {
        await post(batch);
        if (isAway) log.write("info", "The collector of traces takes them again", { dropped });
        isAway = false;
        dropped = 0;
      } catch (error) {
        dropped += batch.length;
        if (!isAway)
          log.write("warn", "The collector of traces takes none: they are dropped until it does", {
            reason: error instanceof Error ? error.message : String(error),
          });
        isAway = true;
        return; // the next turn tries the next ones
      }
    }
  }

  return {
    add(span) {
      if (waiting.length >= WAITING) dropped += 1;
      else waiting.push(span);
      if (waiting.length === BATCH) void flush();
    },
    async close() {
      clearInterval(timer);
      await flush();
      if (waiting.length > 0 && !isAway) await flush();
    },
  };
}
