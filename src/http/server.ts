// Sockets become values and values become responses. Knows HTTP and nothing of packages.
import type { KeyPair } from "../core/certificate.ts";
import { shortageOf } from "../core/shortage.ts";
import { type Bodies, PATIENCE, type RequestBody } from "./bodies.ts";
import { createReader, type Incoming, type ReaderOptions, readPassed } from "./incoming.ts";
import type { Passing } from "./passing.ts";
import type { Sent } from "./send.ts";
import { atSocket, leaveSocket } from "./socket-file.ts";

export type { Incoming } from "./incoming.ts";

export interface ServerOptions extends ReaderOptions {
  hostname: string;
  port: number;
  /** In place of both: a socket file. Throws EADDRINUSE when another process listens there, or something else stands there. */
  socket?: { path: string; mode: number } | null;
  /** Shared by all servers of the process. */
  bodies: Bodies;
  handle(request: Incoming): Sent | Promise<Sent>;
  /** Told what fails after `handle` made its answer: a file that is sent may be gone. */
  failed?(error: unknown): void;
  /** With it, HTTPS alone. */
  tls?: KeyPair | null;
  /** Another process of this server answers what it wants, and `handle` the rest. */
  passing?: Passing;
  /** Requests come from other processes of this server, at a socket file that nobody else can open. */
  isPassedOn?: boolean;
}

export interface RunningServer {
  hostname: string;
  port: number;
  /** How requests are read from now on. */
  readAs(options: ReaderOptions): void;
  /** Finishes running responses, for `graceMs` at most. */
  stop(graceMs: number): Promise<void>;
  /** Takes no more connections; those that are there are answered to the end of what they ask. */
  drain(): Promise<void>;
}

/** Throws what keeps an address from being listened on. */
export function checkFree(hostname: string, port: number): void {
  if (port === 0) return;
  Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
}

/**
 * Another server of this process may listen on the same address at the same time, so that one can take the place of the other
 * (docs/decisions/0022-certificates-by-a-new-listener.md): whether anybody else does, `checkFree` tells.
 */
export function startServer(options: ServerOptions): RunningServer {
  const isSecure = Boolean(options.tls);
  const { socket = null, passing } = options;
  const reader = (how: ReaderOptions) =>
    options.isPassedOn
      ? readPassed
      : createReader(how, { isSecure, isSocket: socket !== null, port: () => port });
  let read = reader(options);

  const where = socket
    ? { unix: socket.path }
    : { hostname: options.hostname, port: options.port, reusePort: true };
  const serve = (): Bun.Server<undefined> =>
    Bun.serve({
      ...(where as { port: number }), // the types of Bun know no patience with socket files
      ...(options.tls && { tls: { cert: options.tls.certificate, key: options.tls.key } }),
      idleTimeout: PATIENCE,
      // Who reads a body says how large it may be, and what nobody reads is not kept.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch(request, bun) {
        const { method } = request;
        if (method === "GET" || method === "HEAD") {
          const incoming = read(request, bun.requestIP(request), noBody);
          if (passing?.wants(incoming)) return passing.pass(request, incoming);
          const sent = options.handle(incoming);
          return sent instanceof Promise ? sent.then(responseOf) : sent.response;
        }
        const body = options.bodies.open(request, (seconds) => bun.timeout(request, seconds));
        const incoming = read(request, bun.requestIP(request), body);
        if (passing?.wants(incoming)) {
          bun.timeout(request, 0); // the other one knows how long a client may be silent
          return passing.pass(request, incoming);
        }
        return answered(options.handle(incoming), body);
      },
      error(error) {
        options.failed?.(error);
        // Of a file that cannot be read any more: its reply was made while it could.
        const shortage = shortageOf(error);
        return new Response(`${shortage?.message ?? "Internal error"}\n`, {
          status: shortage?.status ?? 500,
          headers: { "content-type": "text/plain" },
        });
      },
    });

  const server = socket ? atSocket(socket, serve) : serve();
  const port = server.port ?? 0;

  return {
    hostname: socket ? options.hostname : server.hostname!,
    port,
    readAs(how) {
      read = reader(how);
    },
    drain() {
      if (socket) leaveSocket(socket.path);
      return server.stop();
    },
    async stop(graceMs) {
      if (socket) leaveSocket(socket.path);
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
