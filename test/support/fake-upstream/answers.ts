// What a registry of the real kind does around its documents and files: ETag, conditional requests, gzip, ranges. RFC 9110.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Asked, Said } from "./http.ts";

export interface Manners {
  /** No ETag, no Last-Modified, no compression: what some mirrors are like. */
  plain: boolean;
}

export function sha256(bytes: Uint8Array | string): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** A document: conditional, compressed where asked. */
export function document(
  asked: Asked,
  type: string,
  text: string,
  modified: Date,
  manners: Manners,
): Said {
  const bytes = Buffer.from(text);
  const headers: Record<string, string> = { "content-type": type };
  if (manners.plain) return { status: 200, headers, body: bytes };
  const etag = `"${sha256(bytes).toString("hex").slice(0, 32)}"`;
  Object.assign(headers, {
    etag,
    "last-modified": modified.toUTCString(),
    "cache-control": "public, max-age=300",
    vary: "accept, accept-encoding",
  });
  if (asked.headers["if-none-match"]?.includes(etag))
    return { status: 304, headers, body: Buffer.alloc(0) };
  if (!/\bgzip\b/.test(asked.headers["accept-encoding"] ?? ""))
    return { status: 200, headers, body: bytes };
  headers["content-encoding"] = "gzip";
  return { status: 200, headers, body: gzipSync(bytes) };
}

/** A file that never changes: answers ranges. */
export function file(asked: Asked, type: string, bytes: Uint8Array, manners: Manners): Said {
  const headers: Record<string, string> = { "content-type": type };
  if (!manners.plain) {
    headers["etag"] = `"${sha256(bytes).toString("hex").slice(0, 32)}"`;
    headers["accept-ranges"] = "bytes";
  }
  const range = /^bytes=(\d*)-(\d*)$/.exec(asked.headers["range"] ?? "");
  if (!range || manners.plain) return { status: 200, headers, body: bytes };
  const suffix = range[1] === "";
  const start = suffix ? Math.max(0, bytes.length - Number(range[2])) : Number(range[1]);
  const last =
    suffix || range[2] === "" ? bytes.length - 1 : Math.min(Number(range[2]), bytes.length - 1);
  if (start > last)
    return {
      status: 416,
      headers: { "content-range": `bytes */${bytes.length}` },
      body: Buffer.alloc(0),
    };
  headers["content-range"] = `bytes ${start}-${last}/${bytes.length}`;
  return { status: 206, headers, body: bytes.subarray(start, last + 1) };
}

export function text(status: number, body: string, type = "text/plain; charset=utf-8"): Said {
  return { status, headers: { "content-type": type }, body: Buffer.from(body) };
}

export function json(status: number, body: unknown): Said {
  return text(status, JSON.stringify(body), "application/json");
}
