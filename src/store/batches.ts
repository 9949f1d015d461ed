// Writes wait for one another: those that came meanwhile are one batch, and share a commit.
import type { Query } from "./query.ts";

/** A write that waits for its turn. */
export interface Waiting {
  durable: boolean;
  work(sql: Query): Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface Batches {
  write<T>(work: (sql: Query) => Promise<T>, durable: boolean): Promise<T>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

/**
 * `commit` tells each of a batch what became of it, or does nothing and gives false: then it is asked for each of them alone. It never
 * throws.
 */
export function createBatches(
  commit: (batch: Waiting[], alone: boolean) => Promise<boolean>,
): Batches {
  let queue: Waiting[] = [];
  let running: Promise<void> | null = null;

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      if (await commit(batch, batch.length === 1)) continue;
      for (const one of batch) await commit([one], true);
    }
    running = null;
  }

  return {
    write(work, durable) {
      return new Promise((resolve, reject) => {
        queue.push({ durable, work, resolve: resolve as (value: unknown) => void, reject });
        running ??= Promise.resolve().then(drain);
      });
    },
    async settled() {
      await running;
    },
  };
}
