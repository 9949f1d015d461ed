// Connections through an HTTP or HTTPS proxy by CONNECT (RFC 9110 §9.3.6), which also resolves the names.
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectSecure, rootCertificates } from "node:tls";
import { ProxyFailure } from "./reasons.ts";
import { type Destination, hostOf } from "./tunnel.ts";

const HEAD_LIMIT = 16 * 1024;

/** `ca` is trusted for an https proxy in addition to the public authorities. Throws ProxyFailure. */
export async function dialConnect(
  proxy: URL,
  destination: Destination,
  timeoutMs: number,
  ca: string | undefined,
): Promise<Socket> {
  const secure = proxy.protocol === "https:";
  const host = hostOf(proxy);
  const at = { host, port: Number(proxy.port || (secure ? 443 : 80)) };
  const socket = secure
    ? connectSecure({
        ...at,
        ...(isIP(host) ? {} : { servername: host }),
        ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
      })
    : connectPlain(at);
  const timer = setTimeout(
    () => socket.destroy(new ProxyFailure("did not answer in time")),
    timeoutMs,
  );
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(secure ? "secureConnect" : "connect", resolve).once("error", reject);
    });
    socket.write(requestFor(proxy, destination));
    const status = await readStatus(socket);
    if (status === 407) throw new ProxyFailure("does not accept the credentials");
    if (status < 200 || status > 299) throw new ProxyFailure(`answered ${status} to CONNECT`);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error instanceof ProxyFailure ? error : new ProxyFailure(null, error);
  } finally {
    clearTimeout(timer);
  }
}

function requestFor(proxy: URL, { host, port }: Destination): string {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `host: ${authority}`];
  if (proxy.username) {
    const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    lines.push(`proxy-authorization: Basic ${Buffer.from(pair).toString("base64")}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Leaves what comes behind the head in the socket, which is paused. */
function readStatus(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const finish = (settle: () => void) => {
      socket.off("data", onData).off("close", onClose).off("error", onError);
      socket.pause();
      settle();
    };
    const onError = (error: Error) => finish(() => reject(error));
    const onClose = () =>
      finish(() => reject(new ProxyFailure("closed the connection before it answered")));
    const onData = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf("\r\n\r\n");
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(seen.toString("latin1", 0, 12))?.[1];
      if ((end < 0 && seen.length > HEAD_LIMIT) || (seen.length >= 12 && !status))
        return finish(() => reject(new ProxyFailure("does not speak HTTP")));
      if (end < 0) return;
      finish(() => {
        if (seen.length > end + 4) socket.unshift(seen.subarray(end + 4));
        resolve(Number(status));
      });
    };
    socket.on("data", onData).on("close", onClose).on("error", onError);
  });
}
