// Runs bytes through a stream of node:zlib.
import type { Transform } from "node:stream";

/**
 * What the stream makes of `chunks`. Throws what either throws, and an error for a source that is empty: zlib takes nothing at all for whole
 * data. The source is read no faster than the stream is, and both are closed whenever the reader leaves.
 */
export async function* through(
  stream: Transform,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const closed = new Promise((resolve) => stream.once("close", resolve));
  let any = false;
  const feed = async () => {
    for await (const chunk of chunks) {
      any ||= chunk.length > 0;
      if (stream.destroyed) return;
      if (stream.write(chunk)) continue;
      await Promise.race([new Promise((resolve) => stream.once("drain", resolve)), closed]);
    }
    if (any) stream.end();
    else stream.destroy(new Error("it is empty"));
  };
  const feeding = feed().catch((error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } finally {
    stream.destroy();
    await feeding;
  }
}
