// One lane: jobs that wait, and a thread that does them one after the other. It is started when first needed, ended when idle, and
// replaced when it dies or when a job does not end.
import { Problem } from "../core/problem.ts";
import { removeFile } from "../store/sink.ts";
import { unpackAnswer } from "./message.ts";

const IDLE_MS = 30_000;
/** How long the end of a thread is waited for, before what it may still be writing is removed. One that stands in native code ends after that. */
const ENDING_MS = 5_000;

/** What may wait in a lane, at most. */
export interface Bound {
  jobs: number;
  /** Characters of all messages. One that waits alone may be longer. */
  characters: number;
}

/** A job as it waits. */
export interface Order {
  /** For the thread. */
  message: string;
  /** "Reading left-pad": the beginning of a sentence about it. */
  what: string;
  /** From when the thread begins with it. */
  deadlineMs: number;
  /** The file that it writes: removed when it is ended. */
  output: string | null;
  signal: AbortSignal | undefined;
  /** Told when it had to be ended, before the caller is. */
  ended(problem: Problem): void;
}

export interface LaneOptions {
  /** For sentences: "interactive". */
  name: string;
  spawn(): Worker;
  bound: Bound;
  idleMs?: number | undefined;
}

export interface Lane {
  /** The thread's result. Throws as `Transform` says. */
  run(order: Order): Promise<unknown>;
  /** Jobs that wait, without the one that is done. */
  readonly waiting: number;
  /** Ends everything; resolves when the thread is gone. */
  close(): Promise<void>;
}

interface Waiting extends Order {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  /** Leaves the queue: the caller gave up. */
  leave(): void;
}

interface Thread {
  worker: Worker;
  /** Resolves when nothing of it runs any more. */
  gone: Promise<void>;
}

export function createLane({ name, spawn, bound, idleMs = IDLE_MS }: LaneOptions): Lane {
  const queue: Waiting[] = [];
  let characters = 0;
  let thread: Thread | null = null;
  let running: Waiting | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  /** What ended jobs left is being removed. */
  const ending = new Set<Promise<void>>();

  function run(order: Order): Promise<unknown> {
    if (isClosed) return Promise.reject(stopping());
    if (order.signal?.aborted) return Promise.reject(order.signal.reason);
    if (isFull(order)) return Promise.reject(busy(order));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { ...order, resolve, reject, leave: () => leave(waiting) };
      queue.push(waiting);
      characters += order.message.length;
      order.signal?.addEventListener("abort", waiting.leave);
      next();
    });
  }

  function isFull({ message }: Order): boolean {
    if (queue.length === 0) return false;
    return queue.length >= bound.jobs || characters + message.length > bound.characters;
  }

  function busy({ what }: Order): Problem {
    const message = `${what} has to wait, and no more may: ${queue.length} ${name} jobs stand before it`;
    return new Problem("busy", message);
  }

  function leave(waiting: Waiting): void {
    take(queue.indexOf(waiting));
    waiting.reject(waiting.signal!.reason);
  }

  function take(at: number): Waiting | undefined {
    const [taken] = at < 0 ? [] : queue.splice(at, 1);
    if (!taken) return undefined;
    characters -= taken.message.length;
    taken.signal?.removeEventListener("abort", taken.leave);
    return taken;
  }

  function next(): void {
    if (running) return;
    clearTimeout(timer);
    const order = take(0);
    if (!order) {
      rest();
      return;
    }
    running = order;
    try {
      thread ??= start();
      thread.worker.postMessage(order.message);
    } catch (error) {
      lose(`could not be begun: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const seconds = order.deadlineMs / 1000;
    timer = setTimeout(
      () => lose(`did not finish within ${seconds} s: it was ended`),
      order.deadlineMs,
    );
  }

  function rest(): void {
    if (!thread) return;
    timer = setTimeout(() => lose("idle"), idleMs);
    timer.unref?.();
  }

  function start(): Thread {
    const worker = spawn();
    const gone = Promise.withResolvers<void>();
    const started: Thread = { worker, gone: gone.promise };
    const isOurs = () => thread === started;
    worker.addEventListener("message", ({ data }: MessageEvent<string>) => {
      if (isOurs()) settle(data);
    });
    worker.addEventListener("error", (event) => {
      if (isOurs()) lose(`ended its thread: ${lastLine(event.message)}`);
    });
    worker.addEventListener("close", () => {
      gone.resolve();
      if (isOurs()) lose("ended its thread");
    });
    return started;
  }

  function settle(answer: string): void {
    const done = running;
    running = null;
    try {
      done?.resolve(unpackAnswer(answer));
    } catch (error) {
      done?.reject(error);
    }
    next();
  }

  /** Ends the thread, and with it the job that it is at. The jobs that wait go on in a new one. */
  function lose(why: string): void {
    clearTimeout(timer);
    const lost = running;
    const gone = end();
    running = null;
    if (lost) {
      const problem = new Problem("unfinished", `${lost.what} ${why}`);
      lost.ended(problem);
      rejectAfter(gone, lost, problem);
    }
    if (!isClosed) next();
  }

  /** What the job wrote is removed when nobody writes it any more, before its caller hears of it. */
  function rejectAfter(gone: Promise<void>, lost: Waiting, problem: Problem): void {
    const removed = gone
      .then(() => (lost.output === null ? undefined : removeFile(lost.output)))
      .catch(() => {}) // only disk space is at stake: it is collected as garbage
      .then(() => {
        ending.delete(removed);
        lost.reject(problem);
      });
    ending.add(removed);
  }

  async function end(): Promise<void> {
    const ended = thread;
    thread = null;
    if (!ended) return;
    ended.worker.terminate();
    let limit: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, ENDING_MS);
    });
    await Promise.race([ended.gone, enough]);
    clearTimeout(limit);
  }

  async function close(): Promise<void> {
    isClosed = true;
    clearTimeout(timer);
    for (let one = take(0); one; one = take(0)) one.reject(stopping());
    const lost = running;
    running = null;
    const gone = end();
    if (lost) rejectAfter(gone, lost, stopping());
    await gone;
    await Promise.all(ending);
  }

  return {
    run,
    get waiting() {
      return queue.length;
    },
    close,
  };
}

function stopping(): Problem {
  return new Problem("busy", "The server is stopping");
}

/** An uncaught error comes with the source around it; its message follows that. */
function lastLine(message: string): string {
  const lines = message.split("\n").map((line) => line.trim());
  return lines.find((line) => /^(\w*Error|error)\b/.test(line)) ?? lines[0] ?? "";
}
