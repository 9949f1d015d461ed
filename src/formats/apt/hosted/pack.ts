// Indices as .xz: in blocks that end where the text says so, each packed in the worker, once. So whoever publishes one package of thousands waits for one block, and
// the same text is the same file on every server.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type XzBlock, xzBlock, xzFile } from "../../../archive/xz-writer.ts";
import type { UnboundRepository } from "../../../core/repository.ts";
import type { TaskInput } from "../../../core/task.ts";
import type { AptOptions } from "../options.ts";

/** A text of paragraphs as an .xz file. `what` is its name. */
export type Pack = (what: string, text: Buffer) => Promise<Uint8Array>;

/** Of a block, uncompressed; one paragraph may be longer. */
const LEAST = 128 * 1024;
const MOST = 1024 * 1024;
/** One paragraph of so many ends a block that has the least. */
const ENDS = 256;
/** What a paragraph is told by: its name and version are in it. */
const TOLD_BY = 256;
/** Packed blocks that are remembered, of all indices. Bytes. */
const REMEMBERED = 16 * 1024 * 1024;

/** As it crosses to the worker and back. */
interface PackedBlock extends Omit<XzBlock, "bytes"> {
  base64: string;
}

export function createPack(unbound: Pick<UnboundRepository<AptOptions>, "own">): Pack {
  // The ones used last are at the end.
  const known = new Map<string, XzBlock>();
  let bytes = 0;

  function remember(key: string, block: XzBlock): void {
    bytes += known.delete(key) ? 0 : block.bytes.length;
    known.set(key, block);
    for (const [oldest, { bytes: gone }] of known) {
      if (bytes <= REMEMBERED) return;
      known.delete(oldest);
      bytes -= gone.length;
    }
  }

  async function blockOf(what: string, plain: Buffer): Promise<XzBlock> {
    const key = createHash("sha256").update(plain).digest("hex");
    const found = known.get(key) ?? (await packBeside(what, plain));
    remember(key, found);
    return found;
  }

  async function packBeside(what: string, plain: Buffer): Promise<XzBlock> {
    const options: PackOptions = { what, latin1: plain.toString("latin1") };
    const { base64, ...sizes } = await unbound.own().work<PackedBlock>("pack", options, []);
    return { ...sizes, bytes: Buffer.from(base64, "base64") };
  }

  return async (what, text) => {
    const blocks: XzBlock[] = [];
    for (const plain of blocksOf(text)) blocks.push(await blockOf(what, plain));
    return xzFile(blocks);
  };
}

export interface PackOptions {
  what: string;
  /** Its bytes, one in each character. */
  latin1: string;
}

/** Task: one block. */
export async function pack({ options }: TaskInput): Promise<PackedBlock> {
  const { latin1 } = options as PackOptions;
  const { bytes, ...sizes } = xzBlock(Buffer.from(latin1, "latin1"));
  return { ...sizes, base64: Buffer.from(bytes).toString("base64") };
}

/** The text in its order, cut between paragraphs. What comes or goes in one place moves no end far behind it. */
export function* blocksOf(text: Buffer): Generator<Buffer> {
  let start = 0;
  let paragraph = 0;
  for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n", paragraph)) {
    const next = end + 2;
    const size = next - start;
    const isEnd = crc32(text.subarray(paragraph, Math.min(next, paragraph + TOLD_BY))) % ENDS === 0;
    paragraph = next;
    if (size < MOST && (size < LEAST || !isEnd)) continue;
    yield text.subarray(start, next);
    start = next;
  }
  if (start < text.length) yield text.subarray(start);
}
