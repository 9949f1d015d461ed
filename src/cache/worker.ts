// The one worker thread: started when first needed, ended when idle, replaced when it dies.
import { type Job, type packError, type Transform, unpackError } from "./transform.ts";

export type ToWorker = { id: number; job: Job };
export type FromWorker = { id: number; result?: unknown; error?: ReturnType<typeof packError> };

const IDLE_MS = 30_000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** `spawn` makes the thread; main.ts knows its file. */
export function createWorker(spawn: () => Worker): { transform: Transform; close(): void } {
  let worker: Worker | null = null;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let counter = 0;
  const waiting = new Map<number, Waiting>();

  function stop(error?: Error): void {
    clearTimeout(idle);
    worker?.terminate();
    worker = null;
    for (const one of waiting.values()) one.reject(error ?? new Error("The server is stopping"));
    waiting.clear();
  }

  function start(): Worker {
    const started = spawn();
    started.onmessage = (event: MessageEvent<FromWorker>) => {
      const { id, result, error } = event.data;
      const one = waiting.get(id);
      waiting.delete(id);
      if (waiting.size === 0) {
        idle = setTimeout(stop, IDLE_MS);
        idle.unref?.();
      }
      if (error) one?.reject(unpackError(error));
      else one?.resolve(result);
    };
    started.onerror = (event) => stop(new Error(`The worker died: ${event.message}`));
    return started;
  }

  function transform(job: Job): Promise<unknown> {
    clearTimeout(idle);
    worker ??= start();
    const id = ++counter;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker!.postMessage({ id, job } satisfies ToWorker);
    });
  }

  return { transform: transform as Transform, close: () => stop() };
}
