// Connections through a SOCKS5 proxy (RFC 1928), which also resolves the names.
import type { Socket } from "node:net";
import { SocksClient, type SocksProxy } from "socks";
import { ProxyFailure } from "./reasons.ts";
import { type Destination, hostOf } from "./tunnel.ts";

/** Throws ProxyFailure. */
export async function dialSocks(
  proxy: URL,
  destination: Destination,
  timeoutMs: number,
): Promise<Socket> {
  const server: SocksProxy = { host: hostOf(proxy), port: Number(proxy.port || 1080), type: 5 };
  if (proxy.username) {
    server.userId = decodeURIComponent(proxy.username);
    server.password = decodeURIComponent(proxy.password);
  }
  try {
    const { socket } = await SocksClient.createConnection({
      proxy: server,
      command: "connect",
      destination,
      timeout: timeoutMs,
    });
    return socket;
  } catch (error) {
    throw new ProxyFailure(wordsFor(error), withCode(error));
  }
}

/** The library's error keeps only the message of its cause: "connect ECONNREFUSED 127.0.0.1:1080". */
function withCode(error: unknown): unknown {
  const code = error instanceof Error && /\b(E[A-Z_]{4,})\b/.exec(error.message)?.[1];
  return code ? Object.assign(error, { code }) : error;
}

/** The library tells its failures apart by their messages alone. Null leaves it to the code. */
function wordsFor(error: unknown): string | null {
  const message = error instanceof Error ? error.message : "";
  const reply = /rejected connection - (\w+)/.exec(message)?.[1];
  if (reply) return `could not connect (${reply})`;
  if (/authentication|accepted auth/i.test(message)) return "does not accept the credentials";
  if (/timed out/i.test(message)) return "did not answer in time";
  return /socket closed|invalid/i.test(message) ? "does not speak SOCKS5" : null;
}
