// Something between a client and a server that may let through, say nothing any more, break off, or answer itself: as networks and proxies do.
import { connect, createServer, type Socket } from "node:net";

/** What becomes of a connection, by the first bytes that are sent on it. A text is the answer. `restWaits`: so many bytes of the answer come, and the rest then. */
export type Fate =
  | "pass"
  | "hold"
  | { cutAfter: number }
  | { restWaits: number; for: Promise<void> }
  | string;

export interface Between {
  /** Without a trailing slash. */
  readonly endpoint: string;
  /** Of the connections that are made from now on. Those of before that are held stay so. */
  set(fate: (head: string) => Fate): void;
  stop(): Promise<void>;
}

async function answerSlowly(
  from: Socket,
  to: Socket,
  { restWaits, for: until }: { restWaits: number; for: Promise<void> },
): Promise<void> {
  let sent = 0;
  for await (const chunk of from) {
    if (to.destroyed) return;
    if (sent > restWaits) await until;
    sent += chunk.length;
    to.write(chunk);
  }
  to.end();
}

/** `to`: an http:// URL. */
export async function startBetween(to: string): Promise<Between> {
  const { hostname, port } = new URL(to);
  const sockets = new Set<Socket>();
  let fateOf: (head: string) => Fate = () => "pass";
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    keep(client).once("data", (head: Buffer) => {
      const fate = fateOf(head.toString("latin1"));
      if (fate === "hold") return;
      if (typeof fate === "string" && fate !== "pass") return void client.end(fate);
      const other = keep(connect(Number(port), hostname));
      const isSlow = typeof fate === "object" && "restWaits" in fate;
      if (!isSlow) other.on("close", () => client.destroy());
      client.on("close", () => other.destroy());
      let sent = 0;
      const pass = (chunk: Buffer) => {
        sent += chunk.length;
        if (typeof fate === "object" && "cutAfter" in fate && sent > fate.cutAfter)
          client.destroy();
        else other.write(chunk);
      };
      pass(head);
      client.on("data", pass);
      if (isSlow) answerSlowly(other, client, fate).catch(() => client.destroy());
      else other.pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    set(fate) {
      fateOf = fate;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
