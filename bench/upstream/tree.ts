// A folder served as an upstream does: entity tags, conditions, counted, and slowed down where asked.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const LAST_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT";
const TYPES: Record<string, string> = {
  json: "application/json",
  zip: "application/zip",
  xz: "application/x-xz",
  deb: "application/vnd.debian.binary-package",
};

export interface TreeOptions {
  port: number;
  folder: string;
  /** In JSON documents this is replaced by the server's own address. */
  host?: string;
  asked(path: string): void;
  missing(path: string): void;
  /** Sends a large file in its own time; null for as fast as it goes. */
  slowly(file: string, size: number): ReadableStream<Uint8Array> | null;
}

export function serveTree(options: TreeOptions): void {
  const own = `http://127.0.0.1:${options.port}`;

  function answer(request: Request): Response {
    const path = decodeURIComponent(new URL(request.url).pathname);
    options.asked(path);
    const file = join(options.folder, path);
    if (!existsSync(file) || !statSync(file).isFile()) {
      options.missing(path);
      return new Response("nothing here\n", { status: 404 });
    }
    const { size } = statSync(file);
    const etag = `"${Bun.hash(`${path} ${size}`).toString(16)}"`;
    const type = TYPES[path.split(".").pop()!] ?? "application/octet-stream";
    const headers = { "content-type": type, etag, "last-modified": LAST_MODIFIED };
    const known =
      request.headers.get("if-none-match") === etag ||
      (!request.headers.has("if-none-match") &&
        request.headers.get("if-modified-since") === LAST_MODIFIED);
    if (known) return new Response(null, { status: 304, headers });
    if (options.host && path.endsWith(".json"))
      return new Response(readFileSync(file, "utf8").replaceAll(options.host, own), { headers });
    const slow = request.method === "HEAD" ? null : options.slowly(file, size);
    const sized = { ...headers, "content-length": String(size) };
    return slow
      ? new Response(slow, { headers: sized })
      : new Response(Bun.file(file), { headers });
  }

  Bun.serve({ hostname: "127.0.0.1", port: options.port, idleTimeout: 120, fetch: answer });
}
