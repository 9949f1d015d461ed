// A Reply becomes HTTP: HEAD, entity tags, Range, compression, Cache-Status. RFC 9110, RFC 9111, RFC 9211
import { parseRange } from "../core/range.ts";
import { type CacheStatus, type FileBody, isFile, isStream, type Reply } from "../core/reply.ts";
import { isSame, isUnchanged } from "./conditions.ts";
import { isRead, openToAll } from "./cors.ts";
import { DECODED_AT_ONCE, recode, recoded } from "./recode.ts";

export interface Sent {
  response: Response;
  status: number;
  /** Body bytes that will be sent; null for a stream, which tells `onEnd`. */
  bytes: number | null;
}

export interface SendRequest {
  method: string;
  header(name: string): string | null;
}

type Headers = Record<string, string>;
/** Called once when a stream ended: with the bytes sent, and why it was cut (null: it was not). */
export type OnEnd = (bytes: number, cut: string | null) => void;

/** When who was sent away for want of room may come again. Seconds. */
const COME_AGAIN = "10";
const GZIP_SUFFIX = "-gzip";
/** What a shared reply looks like to a client that takes it whole, as it is stored. */
interface Prepared {
  init: { status: number; headers: globalThis.Headers };
  body: Blob | BodyInit | null;
  bytes: number;
}
const prepared = new WeakMap<Reply, Prepared>();

export function send(
  reply: Reply,
  request: SendRequest,
  repository: string | null,
  onEnd: OnEnd,
): Sent {
  if (!reply.isShared || !takesWhole(reply, request))
    return build(reply, request, repository, onEnd);
  if (!prepared.has(reply)) prepare(reply, build(reply, request, repository, onEnd));
  return whole(prepared.get(reply)!);
}

/** `send` for a reply that was sent whole before, to who takes it whole; null for all else. Throws nothing. */
export function sendAgain(reply: Reply, request: SendRequest): Sent | null {
  const ready = prepared.get(reply);
  return ready !== undefined && takesWhole(reply, request) ? whole(ready) : null;
}

function prepare(reply: Reply, { response, bytes }: Sent): void {
  const { status, body } = reply;
  const { headers } = response;
  headers.delete("content-length");
  prepared.set(reply, {
    init: { status, headers },
    // Bytes are copied into every Response; a Blob is not.
    body: body instanceof Uint8Array ? new Blob([asPart(body)]) : toBody(body as FileBody),
    bytes: bytes ?? 0,
  });
}

function whole({ body, init, bytes }: Prepared): Sent {
  return { response: new Response(body, init), status: init.status, bytes };
}

/** A GET without conditions and ranges, from a client that takes the stored encoding. */
function takesWhole(reply: Reply, request: SendRequest): boolean {
  return (
    request.method === "GET" &&
    request.header("if-none-match") === null &&
    (reply.lastModified === undefined || request.header("if-modified-since") === null) &&
    (!reply.ranges || request.header("range") === null) &&
    (!reply.encoding || negotiate(request.header("accept-encoding")) === "gzip")
  );
}

function build(reply: Reply, request: SendRequest, repository: string | null, onEnd: OnEnd): Sent {
  const headers: Headers = { ...reply.headers };
  if (repository !== null && isRead(request.method)) openToAll(headers);
  if (reply.cache && repository) {
    headers["cache-status"] = cacheStatus(repository, reply.cache);
    if (reply.cache.age !== undefined) headers["age"] = String(reply.cache.age);
  }
  if (reply.status === 503) headers["retry-after"] ??= COME_AGAIN;
  if (reply.status === 408) headers["connection"] = "close"; // RFC 9110 §15.5.9
  if (reply.encoding)
    headers["vary"] = headers["vary"] ? `${headers["vary"]}, accept-encoding` : "accept-encoding";
  const encoding = reply.encoding ? negotiate(request.header("accept-encoding")) : null;
  if (reply.lastModified !== undefined)
    headers["last-modified"] = new Date(reply.lastModified).toUTCString();
  if (reply.etag) {
    headers["etag"] =
      `"${reply.etag}${encoding === "gzip" ? GZIP_SUFFIX : encoding ? `-${encoding}` : ""}"`;
  }
  if (reply.status === 200 && isUnchanged(reply, request)) {
    delete headers["content-type"];
    return { response: new Response(null, { status: 304, headers }), status: 304, bytes: 0 };
  }
  const isHead = request.method === "HEAD";
  const { body } = reply;
  if (isStream(body)) {
    if (body.size !== null) headers["content-length"] = String(body.size);
    else if (isHead) headers["transfer-encoding"] = "chunked"; // as its GET
    if (isHead)
      return {
        response: new Response(null, { status: reply.status, headers }),
        status: reply.status,
        bytes: 0,
      };
    return {
      response: new Response(counted(body.chunks, onEnd), { status: reply.status, headers }),
      status: reply.status,
      bytes: null,
    };
  }
  if (reply.encoding && encoding !== "gzip")
    return sendDecoded(reply, headers, encoding, isHead, onEnd);
  if (reply.encoding) headers["content-encoding"] = "gzip";
  if (isFile(body)) headers["content-disposition"] ??= "inline"; // else Bun tells the file's name
  if (reply.ranges) {
    headers["accept-ranges"] = "bytes";
    const range = request.header("range");
    if (range !== null && reply.status === 200 && isSame(request.header("if-range"), reply))
      return sendRange(reply, headers, range, isHead);
  }
  const bytes =
    body === null
      ? 0
      : isFile(body)
        ? body.size
        : typeof body === "string"
          ? Buffer.byteLength(body)
          : body.length;
  if (isHead) {
    headers["content-length"] = String(bytes);
    return {
      response: new Response(null, { status: reply.status, headers }),
      status: reply.status,
      bytes: 0,
    };
  }
  return {
    response: new Response(toBody(body), { status: reply.status, headers }),
    status: reply.status,
    bytes,
  };
}

function toBody(body: Exclude<Reply["body"], { chunks: unknown }>): BodyInit | null {
  if (body === null || typeof body === "string") return body;
  return isFile(body) ? Bun.file(body.path) : asPart(body);
}

/** The DOM's types know no bytes over memory that might be shared; ours never is. */
function asPart(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

/** RFC 9211 §2 */
function cacheStatus(repository: string, cache: CacheStatus): string {
  if (cache.hit && !cache.detail) return `${repository}; hit`;
  const parts = [repository];
  if (cache.hit) parts.push("hit");
  if (cache.fwd) parts.push(`fwd=${cache.fwd}`);
  if (cache.fwdStatus !== undefined) parts.push(`fwd-status=${cache.fwdStatus}`);
  if (cache.stored) parts.push("stored");
  if (cache.collapsed) parts.push("collapsed");
  if (cache.detail) parts.push(`detail=${cache.detail}`);
  if (cache.isUnverified) parts.push("detail=unverified");
  return parts.join("; ");
}

/** The encoding to answer in: gzip as stored where it is accepted, else zstd or br where asked, else none. RFC 9110 §12.5.3 */
function negotiate(accept: string | null): "gzip" | "zstd" | "br" | null {
  if (accept === null) return null;
  if (accept === "gzip" || accept.startsWith("gzip,") || accept.startsWith("gzip, ")) return "gzip";
  const weights = new Map<string, number>();
  for (const part of accept.toLowerCase().split(",")) {
    const [name, ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((text) => text.startsWith("q="));
    weights.set(name!, weight ? Number(weight.slice(2)) : 1);
  }
  for (const encoding of ["gzip", "zstd", "br"] as const)
    if ((weights.get(encoding) ?? 0) > 0) return encoding;
  return (weights.get("*") ?? 0) > 0 && !weights.has("gzip") ? "gzip" : null;
}

function sendRange(reply: Reply, headers: Headers, range: string, isHead: boolean): Sent {
  const body = reply.body as Exclude<Reply["body"], { chunks: unknown } | null>;
  const size = isFile(body)
    ? body.size
    : typeof body === "string"
      ? Buffer.byteLength(body)
      : body.length;
  const wanted = parseRange(range, size);
  if (wanted === "ignored") {
    if (isHead) headers["content-length"] = String(size);
    return {
      response: new Response(isHead ? null : toBody(body), { status: 200, headers }),
      status: 200,
      bytes: isHead ? 0 : size,
    };
  }
  if (wanted === null) {
    headers["content-range"] = `bytes */${size}`;
    delete headers["content-type"];
    return { response: new Response(null, { status: 416, headers }), status: 416, bytes: 0 };
  }
  const [start, end] = wanted;
  headers["content-range"] = `bytes ${start}-${end}/${size}`;
  const length = end - start + 1;
  headers["content-length"] = String(length);
  if (isHead)
    return { response: new Response(null, { status: 206, headers }), status: 206, bytes: 0 };
  const part = isFile(body)
    ? Bun.file(body.path).slice(start, end + 1)
    : asPart((typeof body === "string" ? Buffer.from(body) : body).subarray(start, end + 1));
  return {
    response: new Response(part, { status: 206, headers }),
    status: 206,
    bytes: length,
  };
}

/** For clients that do not take gzip: rare, so it is done on the way out. */
function sendDecoded(
  reply: Reply,
  headers: Headers,
  encoding: "zstd" | "br" | null,
  isHead: boolean,
  onEnd: OnEnd,
): Sent {
  const { body, status } = reply;
  if (encoding) headers["content-encoding"] = encoding;
  if (isFile(body) || (body as Uint8Array).length > DECODED_AT_ONCE) {
    if (isHead) {
      headers["transfer-encoding"] = "chunked"; // as its GET
      return { response: new Response(null, { status, headers }), status, bytes: 0 };
    }
    const chunks = recoded(isFile(body) ? body.path : (body as Uint8Array), encoding);
    const response = new Response(counted(chunks, onEnd), { status, headers });
    return { response, status, bytes: null };
  }
  const bytes = recode(body as Uint8Array, encoding);
  if (isHead) {
    headers["content-length"] = String(bytes.length);
    return { response: new Response(null, { status, headers }), status, bytes: 0 };
  }
  return {
    response: new Response(asPart(bytes), { status, headers }),
    status,
    bytes: bytes.length,
  };
}

/** Passes chunks on and tells at the end how many bytes they were. An error in `chunks` cuts the connection. */
function counted(chunks: AsyncIterable<Uint8Array>, onEnd: OnEnd): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let bytes = 0;
  let isOver = false;
  function end(cut: string | null): void {
    if (!isOver) onEnd(bytes, cut);
    isOver = true;
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await iterator.next();
        if (next.done) {
          end(null);
          controller.close();
          return;
        }
        bytes += next.value.length;
        controller.enqueue(next.value);
      } catch (error) {
        end(error instanceof Error ? error.message : String(error));
        controller.error(error);
      }
    },
    async cancel() {
      end("the client left");
      await iterator.return?.();
    },
  });
}
