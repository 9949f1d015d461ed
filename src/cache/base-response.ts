// A reply of a repository in this process, as an upstream's answer: with its length, and the part that was asked for, as http/ would send it.
import { parseRange } from "../core/range.ts";
import { isFile, isStream, type Reply } from "../core/reply.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import { filePart } from "../store/source.ts";

/** `name`: the repository's. `range`: of the request. A reply of null has no body and no length. */
export function responseOf(
  name: string,
  status: number,
  headers: Headers,
  found: Reply | null,
  range: string | undefined = undefined,
): UpstreamResponse {
  const size = found && sizeOf(found);
  const part = status === 200 && found && size !== null ? partOf(found, size, range) : "ignored";
  if (part === null) {
    headers.set("content-range", `bytes */${size}`);
    headers.set("content-length", "0");
    return made(name, 416, headers, nothing());
  }
  if (part === "ignored") {
    if (size !== null) headers.set("content-length", String(size));
    return made(name, status, headers, found ? chunksOf(found) : nothing());
  }
  const [start, last] = part;
  headers.set("content-range", `bytes ${start}-${last}/${size}`);
  headers.set("content-length", String(last - start + 1));
  return made(name, 206, headers, chunksOf(found!, part));
}

function made(
  upstream: string,
  status: number,
  headers: Headers,
  body: AsyncIterable<Uint8Array>,
): UpstreamResponse {
  return {
    status,
    headers,
    body,
    isDelimited: true,
    async discard() {},
    upstream,
    url: "",
    isRedirected: false,
  };
}

/** Null when it is not known beforehand. */
function sizeOf({ body }: Reply): number | null {
  if (body === null) return 0;
  if (typeof body === "string") return Buffer.byteLength(body);
  return isFile(body) || isStream(body) ? body.size : body.length;
}

/** Of bytes that are all here: what comes as a stream was cut for its reader already. */
function partOf({ ranges, encoding, body }: Reply, size: number, range: string | undefined) {
  if (!ranges || encoding || range === undefined || isStream(body)) return "ignored";
  return parseRange(range, size);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* chunksOf(
  { body }: Reply,
  part: [start: number, last: number] | null = null,
): AsyncGenerator<Uint8Array> {
  const [start, last] = part ?? [0, Number.MAX_SAFE_INTEGER];
  if (body === null) return;
  if (isStream(body)) yield* body.chunks;
  else if (isFile(body)) yield* filePart(body.path, start, Math.min(last, body.size - 1));
  else {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    yield bytes.subarray(start, last + 1);
  }
}
