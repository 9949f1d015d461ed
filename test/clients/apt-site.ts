// The web server in front of a published folder: plain files, with what a test wants to happen in between.
import { statSync } from "node:fs";
import { join, normalize } from "node:path";

export type Spoilt = "flip" | "login" | number;

export interface Site {
  /** Without a trailing slash. */
  readonly url: string;
  /** Paths asked, in order. */
  readonly asked: string[];
  /** How an answer is spoilt: one byte of it, a captive portal in its place, or a status. `host` is what it was asked as. */
  spoil: ((path: string, host: string) => Spoilt | null) | null;
  /** Runs after the file was read and before it is sent: the repository changes in the middle of what a client does. */
  between: ((path: string) => Promise<void>) | null;
  stop(): Promise<void>;
}

/** With a certificate it speaks https. */
export function serveFolder(root: string, certificate?: { key: string; cert: string }): Site {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...(certificate && { tls: certificate }),
    async fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname);
      asked.push(path);
      const host = (request.headers.get("host") ?? "").replace(/:\d+$/, "");
      const spoilt = site.spoil?.(path, host) ?? null;
      if (typeof spoilt === "number")
        return new Response("Not in your country\n", { status: spoilt });
      if (spoilt === "login")
        return new Response("<html><title>Sign in</title></html>\n", {
          headers: { "content-type": "text/html" },
        });
      const file = join(root, normalize(path));
      const stat = statSync(file, { throwIfNoEntry: false });
      if (!stat?.isFile()) return new Response("Not Found\n", { status: 404 });
      const bytes = await Bun.file(file).bytes();
      await site.between?.(path);
      if (spoilt === "flip") bytes[bytes.length >> 1]! ^= 1;
      return new Response(bytes, { headers: { "last-modified": stat.mtime.toUTCString() } });
    },
  });
  const site: Site = {
    url: `${certificate ? "https" : "http"}://127.0.0.1:${server.port}`,
    asked,
    spoil: null,
    between: null,
    stop: () => server.stop(true),
  };
  return site;
}
