// A small HTTP/1.1 server on a plain socket, so that it can misbehave in ways that a good server refuses to. RFC 9112.
import { createServer, type Server, type Socket } from "node:net";

export interface Asked {
  method: string;
  /** As sent, with the query. */
  target: string;
  /** Still percent-encoded, without the query. */
  path: string;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Buffer;
}

export interface Said {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
  /** How the answer is spoilt on the wire. */
  wire?: Wire;
}

/**
 * `reset`: no answer, the connection is cut. `silent`: no answer, the connection stays. `stall`: half of the body, then silence.
 * `truncated`: half of the body, then the end. `slow`: one byte every 100 ms. `long` and `short`: a content-length ten bytes
 * above or below the truth.
 */
export type Wire = "reset" | "silent" | "stall" | "truncated" | "slow" | "long" | "short";

export interface Listening {
  port: number;
  /** Ends all connections; later ones are refused by the system. */
  close(): Promise<void>;
  /** Takes the same port again. */
  open(): Promise<void>;
}

export async function listen(handle: (asked: Asked) => Promise<Said>): Promise<Listening> {
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  let port = 0;
  async function open(): Promise<void> {
    const next = createServer((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      serveSocket(socket, handle);
    });
    await new Promise<void>((resolve, reject) => {
      next.once("error", reject);
      next.listen(port, "127.0.0.1", resolve);
    });
    const address = next.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    port = address.port;
    server = next;
  }
  await open();
  return {
    port,
    open: async () => {
      if (!server) await open();
    },
    async close() {
      const last = server;
      server = null;
      if (!last) return;
      const closed = new Promise<void>((resolve) => last.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serveSocket(socket: Socket, handle: (asked: Asked) => Promise<Said>): void {
  let pending: Buffer = Buffer.alloc(0);
  let busy = false;
  async function pump(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      for (;;) {
        const read = readRequest(pending);
        if (!read) return;
        pending = pending.subarray(read.length);
        const open = await send(socket, read.asked, await handle(read.asked));
        if (!open) return;
      }
    } finally {
      busy = false;
    }
  }
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length ? Buffer.concat([pending, chunk]) : chunk;
    pump().catch((error) => {
      // A mistake in the fake itself must not look like a fault that was asked for.
      console.error("fake upstream:", error);
      socket.end(
        "HTTP/1.1 599 Mistake in the fake upstream\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
      );
    });
  });
}

function readRequest(bytes: Buffer): { asked: Asked; length: number } | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const [method = "", target = ""] = first.split(" ");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const start = end + 4;
  const body = headers["transfer-encoding"]
    ? readChunks(bytes, start)
    : readLength(bytes, start, Number(headers["content-length"] ?? 0));
  if (!body) return null;
  const path = target.replace(/^https?:\/\/[^/]+/, "");
  const question = path.indexOf("?");
  return {
    length: body.end,
    asked: {
      method,
      target: path,
      path: question < 0 ? path : path.slice(0, question),
      query: new URLSearchParams(question < 0 ? "" : path.slice(question + 1)),
      headers,
      body: body.bytes,
    },
  };
}

function readLength(bytes: Buffer, start: number, length: number) {
  const end = start + length;
  return bytes.length < end ? null : { bytes: bytes.subarray(start, end), end };
}

function readChunks(bytes: Buffer, start: number) {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    const end = line + 2 + size + 2;
    if (bytes.length < end) return null;
    if (size === 0) return { bytes: Buffer.concat(parts), end };
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = end;
  }
}

/** Returns whether the connection can carry another exchange. */
async function send(socket: Socket, asked: Asked, said: Said): Promise<boolean> {
  if (said.wire === "silent") return false;
  if (said.wire === "reset") {
    socket.destroy();
    return false;
  }
  const head = asked.method === "HEAD";
  const drift = said.wire === "long" ? 10 : said.wire === "short" ? -10 : 0;
  const bodyless = said.status === 304 || said.status === 204;
  const keep = !said.wire && asked.headers["connection"]?.toLowerCase() !== "close";
  const lines = [`HTTP/1.1 ${said.status} ${REASONS[said.status] ?? "Answer"}`];
  const headers: Record<string, string> = { date: new Date().toUTCString(), ...said.headers };
  if (!bodyless) headers["content-length"] ??= String(Math.max(0, said.body.length + drift));
  headers["connection"] = keep ? "keep-alive" : "close";
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const body = head || bodyless ? Buffer.alloc(0) : said.body;
  const half = Math.floor(body.length / 2);
  switch (said.wire) {
    case "stall":
      socket.write(body.subarray(0, half));
      return false;
    case "slow":
      drip(socket, body);
      return false;
    case "truncated":
      socket.end(body.subarray(0, half));
      return false;
    default:
      // Node forgets the callback of a write whose socket was destroyed: the close ends the wait as well.
      await new Promise<void>((resolve) => {
        const done = () => {
          socket.off("close", done);
          resolve();
        };
        socket.on("close", done);
        socket.write(body, done);
      });
      if (!keep) socket.end();
      return keep;
  }
}

function drip(socket: Socket, body: Uint8Array, at = 0): void {
  if (socket.destroyed) return;
  if (at >= body.length) {
    socket.end();
    return;
  }
  socket.write(body.subarray(at, at + 1));
  setTimeout(drip, 100, socket, body, at + 1).unref();
}

const REASONS: Record<number, string> = {
  200: "OK",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  304: "Not Modified",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  410: "Gone",
  416: "Range Not Satisfiable",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};
