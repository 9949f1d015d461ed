// Sockets become values and values become responses. Knows HTTP and nothing of packages.
import { type Bodies, PATIENCE, type RequestBody } from "./bodies.ts";
import { addressTest, clientAddress } from "./client-address.ts";
import { oneSlash } from "./path.ts";
import type { Sent } from "./send.ts";

/** A request as it came, before it is known which repository it is for. */
export interface Incoming {
  method: string;
  /** Raw: percent-encoded, without the query. */
  path: string;
  query: string;
  /** Scheme and authority as this client sees them: "https://packages.example.com". */
  origin: string;
  address: string;
  /** Address and port of the connection, or the address that a trusted proxy names. */
  readonly client: string;
  header(name: string): string | null;
  body(limit: number): Promise<Uint8Array>;
  stream(limit: number): AsyncIterable<Uint8Array>;
}

export interface ServerOptions {
  hostname: string;
  port: number;
  /** Else the origin is taken from the request. Without a trailing slash. */
  publicUrl: string | null;
  trustedProxies: readonly string[];
  /** Shared by all servers of the process. */
  bodies: Bodies;
  handle(request: Incoming): Sent | Promise<Sent>;
  /** Told what fails after `handle` made its answer: a file that is sent may be gone. */
  failed?(error: unknown): void;
}

export interface RunningServer {
  hostname: string;
  port: number;
  /** Finishes running responses, for `graceMs` at most. */
  stop(graceMs: number): Promise<void>;
}

/** RFC 1035 §2.3.4, and a port. */
const HOST_LENGTH = 255 + 6;
const HOST = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;

export function startServer(options: ServerOptions): RunningServer {
  const isTrusted = addressTest(options.trustedProxies);
  const hasProxies = options.trustedProxies.length > 0;

  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    idleTimeout: PATIENCE,
    // Who reads a body says how large it may be, and what nobody reads is not kept.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch(request, bun) {
      const { method } = request;
      if (method === "GET" || method === "HEAD") {
        const sent = options.handle(read(request, bun.requestIP(request), noBody));
        return sent instanceof Promise ? sent.then(responseOf) : sent.response;
      }
      const body = options.bodies.open(request, (seconds) => bun.timeout(request, seconds));
      return answered(options.handle(read(request, bun.requestIP(request), body)), body);
    },
    error(error) {
      options.failed?.(error);
      return new Response("Internal error\n", {
        status: 500,
        headers: { "content-type": "text/plain" },
      });
    },
  });

  function read(
    request: Request,
    socket: { address: string; port: number } | null,
    body: RequestBody,
  ): Incoming {
    const { url, headers } = request;
    const peer = socket?.address ?? "";
    // Without a Host header that makes sense the URL is the path alone.
    const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
    const mark = url.indexOf("?", start);
    const header = (name: string) => headers.get(name);
    const forwarded = hasProxies ? clientAddress(peer, header, isTrusted) : null;
    return {
      method: request.method,
      path: oneSlash(mark < 0 ? url.slice(start) : url.slice(start, mark)),
      query: mark < 0 ? "" : url.slice(mark + 1),
      origin: options.publicUrl ?? originOf(forwarded, headers.get("host"), server.port!),
      address: forwarded?.address ?? peer,
      get client() {
        const isDirect = forwarded === null || forwarded.address === peer;
        return isDirect ? `${peer}:${socket?.port ?? 0}` : forwarded.address;
      },
      header,
      body: body.whole,
      stream: body.stream,
    };
  }

  return {
    hostname: server.hostname!,
    port: server.port!,
    async stop(graceMs) {
      const cut = setTimeout(() => server.stop(true), graceMs);
      await server.stop();
      clearTimeout(cut);
    },
  };
}

/** What comes with a GET or a HEAD means nothing. RFC 9110 §9.3.1 */
const noBody: RequestBody = {
  whole: async () => new Uint8Array(),
  async *stream() {},
  close() {},
};

async function answered(sent: Sent | Promise<Sent>, body: RequestBody): Promise<Response> {
  try {
    return (await sent).response;
  } finally {
    body.close();
  }
}

function responseOf({ response }: Sent): Response {
  return response;
}

function originOf(
  forwarded: { protocol: string | null; host: string | null } | null,
  host: string | null,
  port: number,
): string {
  const name = forwarded?.host ?? host;
  const isHost = name !== null && name.length <= HOST_LENGTH && HOST.test(name);
  return `${forwarded?.protocol ?? "http"}://${isHost ? name : `127.0.0.1:${port}`}`;
}
