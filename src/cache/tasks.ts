// A format's tasks on stored bytes, done beside the loop; what they write is kept among the views.
import type { Repository } from "../core/repository.ts";
import type { Derived, Turn } from "../core/task.ts";
import { memoryRandom, openRandom } from "../store/sink.ts";
import type { ViewFiles } from "../store/view-files.ts";
import type { Transform } from "../worker/job.ts";
import { RENDERING } from "./documents/views.ts";

export interface TaskDeps {
  repository: string;
  format: string;
  blobPath(sha256: string): Promise<string>;
  files: ViewFiles;
  transform: Transform;
}

type Stored = NonNullable<Awaited<ReturnType<ReturnType<ViewFiles["file"]>["load"]>>>;

export function createTasks(deps: TaskDeps): Pick<Repository, "work" | "derive"> {
  const making = new Map<string, Making>();

  async function run(
    task: string,
    options: unknown,
    files: string[],
    output: string | null,
    turn: Turn,
  ): Promise<unknown> {
    const inputs = await Promise.all(files.map(deps.blobPath));
    return deps.transform({ op: "task", format: deps.format, task, options, inputs, output }, turn);
  }

  async function work<T>(
    task: string,
    options: unknown,
    files: string[],
    turn: Turn = {},
  ): Promise<T> {
    return (await run(task, options, files, null, turn)) as T;
  }

  /** The file, made once for all who ask. It is not made when all of them gave up before its turn. */
  async function derive(
    task: string,
    options: unknown,
    files: string[],
    turn: Turn = {},
  ): Promise<Derived> {
    const parts = [task, JSON.stringify(options), ...files];
    const file = deps.files.file([deps.repository, "task", ...parts], RENDERING, ["task"]);
    const key = parts.join("\0");
    const { askers, result } = make(key, async (signal) => {
      const stored = await file.load();
      if (stored) return stored;
      await run(task, options, files, await file.begin(), { ...turn, signal });
      return file.finish();
    });
    let stored: Stored;
    try {
      stored = await askers.wait(result, turn.signal);
    } catch (error) {
      turn.signal?.throwIfAborted();
      if (!askers.signal.aborted) throw error;
      return derive(task, options, files, turn); // the others gave up just before
    }
    if (stored instanceof Uint8Array) return { ...memoryRandom(stored), async close() {} };
    return openRandom(stored.path);
  }

  function make(key: string, call: (signal: AbortSignal) => Promise<Stored>): Making {
    const found = making.get(key);
    if (found) return found;
    const askers = createAskers();
    const result = call(askers.signal).finally(() => making.delete(key));
    const started = { askers, result };
    making.set(key, started);
    return started;
  }

  return { work, derive };
}

interface Making {
  askers: Askers;
  result: Promise<Stored>;
}

/** Those who wait for one result. */
interface Askers {
  /** Aborted when the last of them has given up. */
  readonly signal: AbortSignal;
  /** The result; throws the signal's reason as soon as that is aborted. */
  wait<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T>;
}

function createAskers(): Askers {
  let waiting = 0;
  const all = new AbortController();
  return {
    signal: all.signal,
    async wait(result, signal) {
      waiting++;
      if (!signal) return result;
      const given = Promise.withResolvers<never>();
      const giveUp = () => {
        given.reject(signal.reason);
        if (--waiting === 0) all.abort(signal.reason);
      };
      if (signal.aborted) giveUp();
      signal.addEventListener("abort", giveUp);
      try {
        return await Promise.race([result, given.promise]);
      } finally {
        signal.removeEventListener("abort", giveUp);
      }
    },
  };
}
