// Runs one of a format's tasks on stored files: in the worker.
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { StoredBytes } from "../core/format.ts";
import { openRandom } from "../store/sink.ts";
import { fileSource } from "../store/source.ts";
import type { AnyFormat, Job } from "./transform.ts";

/** What a task writes goes out in pieces of about this size. */
const PIECE = 256 * 1024;

export async function runTask(format: AnyFormat, job: Job & { op: "task" }): Promise<unknown> {
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
    const sink = openSink(job.output);
    try {
      const result = await task({ options: job.options, files, write: sink.write });
      await sink.end();
      return result;
    } catch (error) {
      await sink.destroy();
      await rm(job.output, { force: true });
      throw error;
    }
  } finally {
    for (const file of opened) await file.close();
  }
}

/** Small writes are put together: a task may write line by line. */
function openSink(path: string) {
  const pieces = new TransformStream<Uint8Array, Uint8Array>();
  const writer = pieces.writable.getWriter();
  const done = pipeline(
    Readable.from(pieces.readable as unknown as AsyncIterable<Uint8Array>),
    createWriteStream(path),
  );
  done.catch(() => writer.abort().catch(() => {})); // awaited in end(); a full disk must not leave a writer waiting
  let parts: Uint8Array[] = [];
  let size = 0;
  async function flush(): Promise<void> {
    const piece = Buffer.concat(parts);
    parts = [];
    size = 0;
    await Promise.race([writer.write(piece), done]);
  }
  return {
    async write(chunk: Uint8Array | string) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      parts.push(bytes);
      size += bytes.length;
      if (size >= PIECE) await flush();
    },
    async end() {
      if (size > 0) await flush();
      await Promise.race([writer.close(), done]);
      await done;
    },
    async destroy() {
      await writer.abort().catch(() => {});
      await done.catch(() => {});
    },
  };
}
