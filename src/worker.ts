// The worker thread's entry: the same formats as the server, doing the heavy work on documents.
import { createTransform, packError } from "./cache/transform.ts";
import type { FromWorker, ToWorker } from "./cache/worker.ts";
import { formats } from "./formats/index.ts";

declare const self: Worker;

const transform = createTransform(formats);

// One job after the other: two large documents at a time would only double the memory.
let last: Promise<void> = Promise.resolve();

self.onmessage = (event: MessageEvent<ToWorker>) => {
  last = last.then(() => work(event.data));
};

async function work({ id, job }: ToWorker): Promise<void> {
  let answer: FromWorker;
  try {
    answer = { id, result: await transform(job) };
  } catch (error) {
    answer = { id, error: packError(error) };
  }
  self.postMessage(answer);
}
