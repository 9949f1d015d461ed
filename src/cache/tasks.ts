// A format's tasks on stored bytes, run in the worker; what they write is kept among the views.
import type { Repository } from "../core/repository.ts";
import type { Derived } from "../core/task.ts";
import { memoryRandom, openRandom } from "../store/sink.ts";
import type { ViewFiles } from "../store/view-files.ts";
import { createCollapse } from "./collapse.ts";
import { RENDERING } from "./documents/views.ts";
import type { Transform } from "./transform.ts";

export interface TaskDeps {
  repository: string;
  format: string;
  blobPath(sha256: string): Promise<string>;
  files: ViewFiles;
  transform: Transform;
}

export function createTasks(deps: TaskDeps): Pick<Repository, "work" | "derive"> {
  const running = createCollapse<Stored>();
  type Stored = NonNullable<Awaited<ReturnType<ReturnType<ViewFiles["file"]>["load"]>>>;

  async function work<T>(task: string, options: unknown, files: string[]): Promise<T> {
    const inputs = await Promise.all(files.map(deps.blobPath));
    const { format } = deps;
    return (await deps.transform({
      op: "task",
      format,
      task,
      options,
      inputs,
      output: null,
    })) as T;
  }

  async function derive(task: string, options: unknown, files: string[]): Promise<Derived> {
    const key = [task, JSON.stringify(options), ...files];
    const file = deps.files.file([deps.repository, "task", ...key], RENDERING, ["task"]);
    const { result } = running.run(key.join("\0"), async () => {
      const stored = await file.load();
      if (stored) return stored;
      const inputs = await Promise.all(files.map(deps.blobPath));
      const output = await file.begin();
      await deps.transform({ op: "task", format: deps.format, task, options, inputs, output });
      return file.finish();
    });
    const stored = await result;
    if (stored instanceof Uint8Array) return { ...memoryRandom(stored), async close() {} };
    return openRandom(stored.path);
  }

  return { work, derive };
}
