// Sees to it that a Zstandard file is whole: the runtime's decoder ends without a word where the data is cut. RFC 8878 §3.1

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

/** The same chunks. Throws at the end when that is not the end of a frame. */
export async function* wholeFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = walk();
  let step = frames.next().value;
  /** What is known of the header that is being read. */
  let head = Buffer.alloc(0);
  let skipped = 0;
  for await (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      const missing = step.length - (step.kind === "skip" ? skipped : head.length);
      const taken = chunk.subarray(at, at + missing);
      at += taken.length;
      if (step.kind === "skip") skipped += taken.length;
      else head = Buffer.concat([head, taken]);
      if (taken.length < missing) break;
      step = frames.next(head).value;
      head = Buffer.alloc(0);
      skipped = 0;
    }
    yield chunk;
  }
  if (!step.isEnd || head.length) throw new Error("unexpected end of file");
}

/** What must come next: bytes to look at, or to skip. At least one. */
interface Step {
  kind: "read" | "skip";
  length: number;
  /** The file may end here. */
  isEnd?: boolean;
}

function* walk(): Generator<Step, never, Buffer> {
  for (let isEnd = false; ; isEnd = true) {
    const magic = (yield { kind: "read", length: 4, isEnd }).readUInt32LE();
    // The upper 28 bits; the lower four are free.
    if (magic >>> 4 === SKIPPABLE >>> 4) {
      const length = (yield { kind: "read", length: 4 }).readUInt32LE();
      if (length) yield { kind: "skip", length };
      continue;
    }
    if (magic !== MAGIC) throw new Error("not a Zstandard frame");
    yield* frame();
  }
}

function* frame(): Generator<Step, void, Buffer> {
  const descriptor = (yield { kind: "read", length: 1 })[0]!;
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const rest = (isSingle ? 0 : 1) + dictionary + contentSize;
  if (rest) yield { kind: "skip", length: rest };
  for (let isLast = false; !isLast; ) {
    const block = (yield { kind: "read", length: 3 }).readUIntLE(0, 3);
    isLast = (block & 1) === 1;
    // A block of one repeated byte (type 1) has just that one.
    const length = ((block >> 1) & 3) === 1 ? 1 : block >> 3;
    if (length) yield { kind: "skip", length };
  }
  if (descriptor & 4) yield { kind: "skip", length: 4 };
}
