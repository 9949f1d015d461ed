// All bytes of a compressed file at once, for decoders that look at single bits: a wait for each would cost more than the rest.

/** Far beyond what archives have of the compressions that are read like this. */
const LIMIT = 256 * 2 ** 20;

/** Throws past 256 MiB, and what the source throws. */
export async function wholeFile(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > LIMIT) throw new Error(`it has more than ${LIMIT} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** The error of every decoder here for data that stops before its end. */
export function cutShort(): Error {
  return new Error("unexpected end of file");
}
