// A private door to one host and port behind a proxy: whoever connects to it here speaks with that host there.
//
// Bun's fetch knows no SOCKS, and in its own CONNECT tunnels it reads a TLS answer without end while nobody takes it (a 105 MB
// body stood in memory whole). Through a Unix socket it holds back. The socket stands in a folder of this user's alone.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProxyFailure } from "./reasons.ts";

export interface Destination {
  /** A name, or an address without brackets. */
  host: string;
  port: number;
}

export interface Tunnel {
  /** Of the Unix socket. */
  path: string;
  /** Why the last connection could not be made, or null when it was. */
  failure(): ProxyFailure | null;
  close(): void;
}

/** A URL's host as the resolver and sockets take it. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** `dial` makes the connections behind the door; it throws ProxyFailure. */
export async function openTunnel(dial: () => Promise<Socket>): Promise<Tunnel> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
  const path = join(folder, "tunnel");
  const sockets = new Set<Socket>();
  let failure: ProxyFailure | null = null;

  function track(socket: Socket) {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  }

  async function connectThrough(near: Socket) {
    track(near);
    near.pause();
    let far: Socket;
    try {
      far = await dial();
      failure = null;
    } catch (error) {
      failure = error instanceof ProxyFailure ? error : new ProxyFailure(null, error);
      near.destroy();
      return;
    }
    track(far);
    if (near.destroyed) return far.destroy();
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroySoon());
    near.pipe(far);
    far.pipe(near);
  }

  const server = createServer(connectThrough);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(path, resolve);
  });
  server.unref();
  return {
    path,
    failure: () => failure,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
