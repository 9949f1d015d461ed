// What a client gets of a file that is still on its way: its bytes as they come, its size, or a part of it.
// docs/decisions/0016-parts-of-unproven-files.md
import type { Artifact } from "../core/artifact.ts";
import type { AnyFormat } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import { parseRange } from "../core/range.ts";
import type { Reply } from "../core/reply.ts";
import type { Request } from "../core/request.ts";
import type { Upstream } from "../core/upstream.ts";
import { type Fill, follow, HOLD, releasable } from "../store/fill.ts";
import { codingsOf } from "./codings.ts";
import type { Underway } from "./relay.ts";

/** Largest part that is asked of the upstream for one client: the directory of a large archive. Bytes. */
const PART = 4 * 2 ** 20;

export interface PartialDeps {
  format: AnyFormat;
  upstream: Upstream;
}

/** A reply whose cache status is that of the download, but for what it says itself. */
export type Partial = Omit<Reply, "cache"> & { cache?: typeof UNVERIFIED };

/** Whether a request is about the very bytes that a client has a part of: only the whole file, proven, can tell whether they are. */
export function isForNow(request: Request): boolean {
  return request.method === "GET" && request.header("if-range") !== null;
}

/** Bytes of a part, `wanted` from the first to the last, had from elsewhere; null where they are not. `range` is what the client said. */
export type AskPart = (range: string, wanted: [number, number]) => Promise<Uint8Array | null>;

/**
 * The reply to give while the file is on its way; null when it has to be waited for. `left` is called once the client needs it no more.
 */
export async function partial(
  request: Request,
  { fill, size }: { fill: Fill; size: number | null },
  left: () => void,
  ask?: AskPart,
): Promise<Partial | null> {
  if (request.method === "HEAD") {
    left();
    return { status: 200, headers: ACCEPTS, body: { chunks: nothing(), size } };
  }
  const range = request.header("range");
  const wanted = range === null || size === null ? "ignored" : parseRange(range, size);
  if (wanted === "ignored" && range !== null && size === null) return null;
  if (wanted === "ignored")
    return { status: 200, headers: ACCEPTS, body: { chunks: read(fill, left), size } };
  if (wanted === null) {
    left();
    return { status: 416, headers: { "content-range": `bytes */${size}` }, body: null };
  }
  const [start, last] = wanted;
  const headers = { ...ACCEPTS, "content-range": `bytes ${start}-${last}/${size}` };
  if (ask && last >= releasable(fill)) {
    const bytes = await ask(range!, wanted);
    if (bytes) {
      left();
      return { status: 206, headers: { ...headers, ...PASSING }, body: bytes, cache: UNVERIFIED };
    }
  }
  // Nothing of it leaves before the proof: a refusal can still be told as one.
  if (start >= size! - HOLD) return null;
  const chunks = read(fill, left, start, last + 1);
  return { status: 206, headers, body: { chunks, size: last - start + 1 } };
}

/** Asks for small parts where the file is being fetched from. */
export function askingUpstream(
  deps: PartialDeps,
  artifact: Artifact,
  following: Underway,
): AskPart {
  return async (range, wanted) => {
    if (!isSmallPart(deps, artifact, range, wanted[1] - wanted[0] + 1)) return null;
    return askPart(deps, artifact, following, wanted).catch(ignoreProblem);
  };
}

const ACCEPTS = { "accept-ranges": "bytes" };
/** Without a tag or a date nothing can be put together from it. RFC 9110 §15.3.7.3 */
const PASSING = { "cache-control": "no-store" };
const UNVERIFIED = { isUnverified: true, stored: false } as const;

/** Not the rest of a file, which who resumes a download asks for: only its proven end makes that whole. */
function isSmallPart(
  { format }: PartialDeps,
  { kind }: Artifact,
  range: string,
  length: number,
): boolean {
  return (
    format.artifacts[kind]?.isReadInParts === true && length <= PART && !range.trim().endsWith("-")
  );
}

/** Exactly these bytes from where the file is being fetched; null where that is not what is given. */
async function askPart(
  { upstream }: PartialDeps,
  { package: name }: Artifact,
  { path, size }: Underway,
  [start, last]: [number, number],
): Promise<Uint8Array | null> {
  const headers = { "accept-encoding": "identity", range: `bytes=${start}-${last}` };
  const response = await upstream.fetch({ path, headers, package: name });
  const said = response.headers.get("content-range")?.trim();
  const isRight = response.status === 206 && said === `bytes ${start}-${last}/${size}`;
  if (!isRight || codingsOf(response).length > 0) {
    await response.discard();
    return null;
  }
  const parts: Uint8Array[] = [];
  let count = 0;
  for await (const chunk of response.body) {
    parts.push(chunk);
    count += chunk.length;
    if (count > last - start + 1) return null;
  }
  return count === last - start + 1 ? Buffer.concat(parts) : null;
}

function ignoreProblem(error: unknown): null {
  if (error instanceof Problem) return null;
  throw error;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** `left` is called when the last byte was taken or the reader has gone, even before the first. */
function read(
  fill: Fill,
  left: () => void,
  start?: number,
  end?: number,
): AsyncIterable<Uint8Array> {
  const chunks = follow(fill, start, end);
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const result = await chunks.next().catch((error) => {
          left();
          throw error;
        });
        if (result.done) left();
        return result;
      },
      async return() {
        left();
        return chunks.return(undefined);
      },
    }),
  };
}
