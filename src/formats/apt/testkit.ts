// Runs tasks in tests as the worker does, on bytes in memory.
import type { StoredBytes } from "../../core/task.ts";
import { tasks } from "./tasks.ts";

/** Bytes as if stored, which count how often they are read. */
export function stored(bytes: Uint8Array): StoredBytes & { reads: number } {
  return {
    size: bytes.length,
    reads: 0,
    async read(offset, length) {
      this.reads++;
      return bytes.subarray(offset, offset + length);
    },
    async *chunks() {
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    },
  };
}

/** The result of a task, and what it wrote. */
export async function run<T = unknown>(
  task: string,
  options: unknown,
  files: (Uint8Array | string)[],
): Promise<{ result: T; output: Buffer }> {
  const output: Uint8Array[] = [];
  const result = await tasks[task]!({
    options: JSON.parse(JSON.stringify(options)),
    files: files.map((file) => stored(typeof file === "string" ? Buffer.from(file) : file)),
    async write(chunk) {
      output.push(Buffer.from(chunk as Uint8Array));
    },
  });
  return { result: JSON.parse(JSON.stringify(result ?? null)), output: Buffer.concat(output) };
}
