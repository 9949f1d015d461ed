// The line between two sites: passes requests on, and can be cut, be slow, and lie.

export interface Line {
  /** Where the other end is reached through it. The same after it was mended. */
  readonly url: string;
  /** Paths that went through, in order, with their queries. */
  readonly asked: string[];
  /** Nothing is reached any more, and what runs is cut. */
  cut(): Promise<void>;
  mend(): void;
  /** What is told in place of an answer's bytes; null: what the other end said. */
  lie(about: ((path: string, bytes: Uint8Array) => Uint8Array | null) | null): void;
  /** Each answer waits for the promise that this gives. */
  hold(until: ((path: string) => Promise<void> | void) | null): void;
  stop(): Promise<void>;
}

export function startLine(target: string): Line {
  const asked: string[] = [];
  let about: Parameters<Line["lie"]>[0] = null;
  let until: Parameters<Line["hold"]>[0] = null;
  const open = (port: number) =>
    Bun.serve({
      hostname: "127.0.0.1",
      port,
      idleTimeout: 0,
      async fetch(request) {
        const { pathname, search, host } = new URL(request.url);
        asked.push(pathname + search);
        await until?.(pathname);
        const headers = new Headers(request.headers);
        headers.set("host", host);
        const sent = fetch(target + pathname + search, {
          method: request.method,
          headers,
          redirect: "manual",
          decompress: false,
          ...(request.method !== "GET" &&
            request.method !== "HEAD" && { body: await request.arrayBuffer() }),
        });
        const answer = await sent.catch(() => new Response("nobody answers", { status: 502 }));
        const bytes = await answer.bytes();
        const said = new Headers(answer.headers);
        said.delete("content-length");
        said.delete("transfer-encoding");
        const body = answer.status === 304 ? null : (about?.(pathname, bytes) ?? bytes);
        return new Response(body as BodyInit | null, { status: answer.status, headers: said });
      },
    });
  let server = open(0);
  const port = server.port!;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    cut: () => server.stop(true),
    mend() {
      server = open(port);
    },
    lie(how) {
      about = how;
    },
    hold(how) {
      until = how;
    },
    stop: () => server.stop(true),
  };
}
