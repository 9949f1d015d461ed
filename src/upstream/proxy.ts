// The outward proxy of an upstream: which way Bun's fetch takes through it to an origin.
import { dialConnect } from "./connect.ts";
import { dialSocks } from "./socks.ts";
import { hostOf, openTunnel, type Tunnel } from "./tunnel.ts";

/** Either `url` for fetch's own `proxy` option, or a tunnel. */
export type Way = { url: string; tunnel: null } | { url: null; tunnel: Tunnel };

export interface OutwardProxy {
  /** Everything goes through it: names are not resolved here. The caller closes the tunnel. */
  wayTo(origin: URL): Promise<Way>;
}

/** Null without a proxy. `password` wins over the one in the URL. */
export function createProxy(
  text: string | undefined,
  password: string | undefined,
  timeoutMs: number,
  ca: string | undefined,
): OutwardProxy | null {
  if (text === undefined) return null;
  const proxy = new URL(text);
  if (password !== undefined) proxy.password = encodeURIComponent(password);
  const socks = proxy.protocol === "socks5:" || proxy.protocol === "socks5h:";
  if (!socks && proxy.protocol !== "http:" && proxy.protocol !== "https:")
    throw new RangeError(`A proxy has an http, https or socks5 URL, not ${proxy.protocol}`);
  return {
    async wayTo(origin) {
      const secure = origin.protocol === "https:";
      // HTTP proxies often allow CONNECT to port 443 only, so http goes in absolute form (RFC 9112 §3.2.2).
      if (!socks && !secure) return { url: proxy.href, tunnel: null };
      const to = { host: hostOf(origin), port: Number(origin.port || (secure ? 443 : 80)) };
      const dial = () =>
        socks ? dialSocks(proxy, to, timeoutMs) : dialConnect(proxy, to, timeoutMs, ca);
      return { url: null, tunnel: await openTunnel(dial) };
    },
  };
}
