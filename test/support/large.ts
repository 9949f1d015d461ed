// Publishing what is large: a body that comes in pieces, and what servers take of memory for it.
import { peakOf, type ServerProcess } from "./process.ts";

/** As it is asked for. */
export function bodyOf(
  parts: Iterator<Uint8Array> | AsyncIterator<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await parts.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

/** By how much what each server had of memory at the most grew by a large one, after a small one at each. MiB. */
export async function growthsOf(
  server: ServerProcess,
  publish: (url: string, version: string, pieces: number) => Promise<void>,
  pieces: number,
): Promise<number[]> {
  const peaks = () => server.nodes.map(({ pid }) => peakOf(pid));
  for (const [at, { url }] of server.nodes.entries()) await publish(url, `1.0.${at}`, 10);
  const before = peaks();
  await publish(server.url, "1.1.0", pieces);
  return peaks().map((peak, at) => peak - before[at]!);
}
