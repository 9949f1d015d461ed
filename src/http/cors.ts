// Pages of other sites that read what repositories have, in a browser: they may, without a name and without changing anything.
// https://fetch.spec.whatwg.org/#http-cors-protocol
import type { Reply } from "../core/reply.ts";

/** Beside those that any page sees: Cache-Control, Content-Type, Last-Modified and a few others. */
const EXPOSED = "Accept-Ranges, Age, Cache-Status, Content-Range, ETag";
/** Which need a question before. None that says who asks. */
const ALLOWED = "Accept, Cache-Control, If-Modified-Since, If-None-Match, If-Range, Range";
/** Seconds. */
const REMEMBERED = "86400";

export function isRead(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Lets any page see a reply to a read. Browsers keep back those that were asked for with credentials, since the origin is `*`. */
export function openToAll(headers: Record<string, string>): void {
  headers["access-control-allow-origin"] ??= "*";
  headers["access-control-expose-headers"] ??= EXPOSED;
}

/** The answer to a browser that asks whether a page may read; null for anything else, of writes above all. */
export function preflight(request: {
  method: string;
  header(name: string): string | null;
}): Reply | null {
  if (request.method !== "OPTIONS" || request.header("origin") === null) return null;
  const wanted = request.header("access-control-request-method");
  if (wanted === null || !isRead(wanted)) return null;
  const headers = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": ALLOWED,
    "access-control-max-age": REMEMBERED,
  };
  return { status: 204, headers, body: null };
}
