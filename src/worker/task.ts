// Runs one of a format's tasks on stored files.
import type { StoredBytes, Task } from "../core/task.ts";
import { openOutput, openRandom } from "../store/sink.ts";
import { fileSource } from "../store/source.ts";

export interface TaskJob {
  op: "task";
  format: string;
  task: string;
  options: unknown;
  inputs: readonly string[];
  /** For what the task writes; null when that is not wanted. */
  output: string | null;
}

export async function runTask(
  format: { readonly tasks?: Record<string, Task> },
  job: TaskJob,
): Promise<unknown> {
  const opened: Awaited<ReturnType<typeof openRandom>>[] = [];
  try {
    const files: StoredBytes[] = [];
    for (const path of job.inputs) {
      const file = await openRandom(path);
      opened.push(file);
      const { size, read } = file;
      files.push({ size, read, chunks: () => fileSource(path, "identity", size, size).chunks() });
    }
    const task = format.tasks![job.task]!;
    if (job.output === null) return await task({ options: job.options, files, async write() {} });
    const output = openOutput(job.output);
    try {
      const result = await task({ options: job.options, files, write: output.write });
      await output.end();
      return result;
    } catch (error) {
      await output.remove();
      throw error;
    }
  } finally {
    for (const file of opened) await file.close();
  }
}
