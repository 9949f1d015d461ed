// How Composer's metadata is written and sent: minified, and with the time of its last change.
import { gzipSync } from "node:zlib";
import type { Asked, Said } from "./http.ts";

type Version = Record<string, unknown>;

/** The first version whole, of each next one only what differs. https://github.com/composer/metadata-minifier */
export function minify(versions: Version[]): Version[] {
  let known: Version = {};
  return versions.map((version) => {
    const changes: Version = {};
    for (const [key, value] of Object.entries(version))
      if (JSON.stringify(known[key]) !== JSON.stringify(value)) changes[key] = value;
    for (const key of Object.keys(known)) if (!(key in version)) changes[key] = "__unset";
    known = version;
    return changes;
  });
}

/** Last-Modified and no ETag, as static files behind a network of caches. */
export function dated(asked: Asked, body: unknown, changed: Date): Said {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "last-modified": changed.toUTCString(),
    "cache-control": "public, max-age=60",
    vary: "accept-encoding",
  };
  const since = Date.parse(asked.headers["if-modified-since"] ?? "");
  if (since >= changed.getTime()) return { status: 304, headers, body: Buffer.alloc(0) };
  const bytes = Buffer.from(JSON.stringify(body));
  if (!/\bgzip\b/.test(asked.headers["accept-encoding"] ?? ""))
    return { status: 200, headers, body: bytes };
  headers["content-encoding"] = "gzip";
  return { status: 200, headers, body: gzipSync(bytes) };
}
