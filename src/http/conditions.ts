// Requests with conditions: what a client says of the copy that it has. RFC 9110 §13
import type { Reply } from "../core/reply.ts";

interface Conditional {
  header(name: string): string | null;
}

/** Whether the client's copy is the one that it would get. If-None-Match goes before If-Modified-Since. RFC 9110 §13.2.2 */
export function isUnchanged({ etag, lastModified }: Reply, request: Conditional): boolean {
  const match = request.header("if-none-match");
  if (match !== null) return etag !== undefined && matches(match, etag);
  if (lastModified === undefined) return false;
  const since = Date.parse(request.header("if-modified-since") ?? "");
  return since >= Math.floor(lastModified / 1000) * 1000;
}

/** If-None-Match: weak comparison, whatever the encoding that the tag was given for. RFC 9110 §13.1.2 */
function matches(header: string, etag: string): boolean {
  if (header.trim() === "*") return true;
  return header.split(",").some((tag) => {
    const plain = tag.trim().replace(/^W\//, "").replace(/^"|"$/g, "");
    return plain === etag || plain.replace(/-(gzip|zstd|br)$/, "") === etag;
  });
}

/** If-Range with our tag or our date exactly, or none at all. RFC 9110 §13.1.5 */
export function isSame(header: string | null, { etag, lastModified }: Reply): boolean {
  if (header === null || header === `"${etag}"`) return true;
  return lastModified !== undefined && header === new Date(lastModified).toUTCString();
}
