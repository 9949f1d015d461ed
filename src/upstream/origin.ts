// One scheme, host and port: the way there, the connections kept to it, and its breaker.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import { codeOf } from "../core/connection.ts";
import { type Allowlist, literalAddress } from "./allowlist.ts";
import { type Breaker, createBreaker, type Found } from "./breaker.ts";
import type { Hop } from "./hops.ts";
import { createKnown } from "./known.ts";
import type { OutwardProxy } from "./proxy.ts";
import { NOT_CONNECTED, ProxyFailure } from "./reasons.ts";
import type { UpstreamDeps } from "./settings.ts";

export interface Origin {
  readonly breaker: Breaker;
  /** It was answered well: what is asked for when the origin is in doubt. */
  remember(hop: Hop): void;
  /** Only to this origin's URLs. */
  fetch(url: URL, init: BunFetchRequestInit): Promise<Response>;
  close(): void;
}

/** Sends requests one way. Each origin has one, with connections and TLS settings of its own. */
interface Line {
  fetch(url: URL, init: BunFetchRequestInit): Promise<Response>;
  close(): void;
}

const ADDRESSES_KEPT_MS = 30_000;

async function resolveByMachine(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** IPv4 first: a machine whose IPv6 leads nowhere is common, and finds out slowly. */
function inOrder(addresses: string[]): string[] {
  return addresses.toSorted((a, b) => isIP(a) - isIP(b));
}

export interface OriginSettings {
  allowlist: Allowlist;
  ca: string | undefined;
  proxy: OutwardProxy | null;
  /** Asked for where nothing is known that it answered well. */
  entrance: URL;
  /** Asks for it, without a caller. */
  probe(hop: Hop): Promise<Found>;
}

export function createOrigin(url: URL, settings: OriginSettings, deps: UpstreamDeps): Origin {
  const { allowlist, proxy } = settings;
  const known = createKnown(settings.entrance);
  const { host, hostname } = url;
  const literal = literalAddress(url);
  const tls: Bun.TLSOptions =
    settings.ca === undefined ? {} : { ca: [...rootCertificates, settings.ca] };
  let line: Promise<Line> | null = null;

  /** Connects to an address that was checked, so that another answer of the resolver cannot change it. */
  function direct(): Line {
    const resolve = deps.lookup ?? resolveByMachine;
    let resolved: { addresses: string[]; until: number } | null = null;
    // The address stands in the URL; the name is what the certificate must be for.
    const session = new Bun.FetchSession({
      proxy: false,
      tls: literal ? tls : { ...tls, serverName: hostname },
    });

    async function addressesNow(): Promise<string[]> {
      if (literal) return [literal];
      if (resolved && deps.now() < resolved.until) return resolved.addresses;
      const addresses = inOrder(await resolve(hostname));
      allowlist.checkAddresses(url, addresses);
      resolved = { addresses, until: deps.now() + ADDRESSES_KEPT_MS };
      return addresses;
    }

    return {
      close: () => session.close(),
      async fetch(target, init) {
        const addresses = await addressesNow();
        const headers = { ...(init.headers as Record<string, string>), host };
        for (const [at, address] of addresses.entries()) {
          const pinned = new URL(target);
          pinned.hostname = isIP(address) === 6 ? `[${address}]` : address;
          try {
            return await fetch(pinned, { ...init, headers, session });
          } catch (error) {
            resolved = null;
            if (at === addresses.length - 1 || !NOT_CONNECTED.has(codeOf(error))) throw error;
          }
        }
        throw Object.assign(new Error(`No address for ${hostname}`), { code: "ENOTFOUND" });
      },
    };
  }

  async function through(outward: OutwardProxy): Promise<Line> {
    const { tunnel, url: via } = await outward.wayTo(url);
    const session = new Bun.FetchSession(
      tunnel ? { tls, proxy: false, unix: tunnel.path } : { tls },
    );
    const send: Line["fetch"] = tunnel
      ? session.fetch
      : (target, init) =>
          fetch(target, { ...init, session, proxy: { url: via, respectNoProxy: false } });
    return {
      close() {
        session.close();
        tunnel?.close();
      },
      async fetch(target, init) {
        try {
          return await send(target, init);
        } catch (error) {
          if (tunnel) throw tunnel.failure() ?? error;
          throw NOT_CONNECTED.has(codeOf(error)) ? new ProxyFailure(null, error) : error;
        }
      },
    };
  }

  return {
    breaker: createBreaker({
      host,
      repository: deps.repository,
      log: deps.log,
      now: deps.now,
      probe(nth) {
        const hop = known.nth(nth);
        return hop && settings.probe(hop);
      },
      askBeside: (urls) => settings.probe(known.beside(urls)),
    }),
    remember: known.remember,
    async fetch(target, init) {
      if (literal) allowlist.checkAddresses(url, [literal]);
      line ??= proxy ? through(proxy) : Promise.resolve(direct());
      line.catch(() => {
        line = null; // no room for a socket now need not be so later
      });
      return (await line).fetch(target, init);
    },
    close() {
      line?.then(
        (open) => open.close(),
        () => undefined,
      );
      line = null;
    },
  };
}
