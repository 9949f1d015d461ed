// Loaded before every test: a connection that would leave this machine fails, and says where it wanted to go.
import dns from "node:dns";
import net from "node:net";
import tls from "node:tls";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?|\[?::ffff:127(\.\d{1,3}){3}\]?)$/i;

/** The one error that a test sees when it reaches out. */
export class OutwardConnection extends Error {
  constructor(where: string) {
    super(`A hermetic test tried to reach ${where}: only loopback is allowed`);
    this.name = "OutwardConnection";
  }
}

export function mayReach(host: string): boolean {
  return LOOPBACK.test(host);
}

function refuse(host: string): void {
  if (!mayReach(host)) throw new OutwardConnection(host);
}

function hostOf(input: unknown): string {
  const url = input instanceof Request ? input.url : String(input);
  return URL.parse(url)?.hostname ?? url;
}

/** Where the bytes go is the proxy, when there is one. */
function proxyOf(init: unknown): string | null {
  const proxy = (init as { proxy?: unknown } | undefined)?.proxy;
  if (!proxy) return null;
  return hostOf(typeof proxy === "object" && "url" in proxy ? proxy.url : proxy);
}

const realFetch = globalThis.fetch;
const guardedFetch = async (input: unknown, init?: unknown) => {
  refuse(proxyOf(init) ?? hostOf(input));
  return realFetch(input as string, init as RequestInit);
};
globalThis.fetch = Object.assign(guardedFetch, realFetch) as typeof fetch;

const realConnect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  const list = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  const [first, second] = list;
  if (typeof first === "object" && first !== null) {
    const { host, path } = first as { host?: string; path?: string };
    if (!path && host) refuse(host);
  } else if (typeof second === "string") refuse(second);
  return (realConnect as (...list: unknown[]) => net.Socket).apply(this, args);
} as typeof realConnect;

const realTls = tls.connect;
tls.connect = ((...args: unknown[]) => {
  const { host } = (args.find((item) => typeof item === "object" && item) ?? {}) as {
    host?: string;
  };
  if (host) refuse(host);
  return (realTls as (...list: unknown[]) => tls.TLSSocket)(...args);
}) as typeof realTls;

const bunConnect = Bun.connect;
Bun.connect = ((options: { hostname?: string }) => {
  if (options.hostname) refuse(options.hostname);
  return bunConnect(options as Parameters<typeof bunConnect>[0]);
}) as typeof Bun.connect;

// A name that is resolved has left the machine already.
for (const room of [dns, dns.promises] as unknown as Record<string, unknown>[])
  for (const name of ["lookup", "resolve", "resolve4", "resolve6"]) {
    const real = room[name] as (...args: unknown[]) => unknown;
    room[name] = (host: string, ...rest: unknown[]) => {
      if (mayReach(host)) return real.call(room, host, ...rest);
      const error = new OutwardConnection(host);
      const done = rest.at(-1);
      if (typeof done === "function") return done(error);
      if (room === (dns.promises as unknown)) return Promise.reject(error);
      throw error;
    };
  }
