// The thread's side: does the jobs that it is sent, one after the other.
import type { AnyFormat } from "../core/format.ts";
import type { Job } from "./job.ts";
import { packAnswer } from "./message.ts";
import { createTransform } from "./work.ts";

/** Two large documents at a time would only double the memory: a lane sends the next job when it has the answer to the last one. */
export function serveJobs(thread: Worker, formats: readonly AnyFormat[]): void {
  const transform = createTransform(formats);
  thread.onmessage = async ({ data }: MessageEvent<string>) => {
    thread.postMessage(await packAnswer(() => transform(JSON.parse(data) as Job)));
  };
}
