// Who is asking: the peer, or what a trusted proxy says of its own peer.

export interface Forwarded {
  address: string;
  /** Scheme and host as the client typed them, when a trusted proxy tells. */
  protocol: string | null;
  host: string | null;
}

/**
 * Walks X-Forwarded-For from right to left over the trusted proxies: what an untrusted peer wrote there counts for nothing.
 * `isTrusted` tells of an IP address whether it is one of `trustedProxies`.
 */
export function clientAddress(
  peer: string,
  header: (name: string) => string | null,
  isTrusted: (address: string) => boolean,
): Forwarded {
  if (!isTrusted(peer)) return { address: peer, protocol: null, host: null };
  const hops = (header("x-forwarded-for") ?? "")
    .split(",")
    .map((hop) => hop.trim())
    .filter(Boolean);
  let address = peer;
  while (hops.length > 0 && isTrusted(address)) address = hops.pop()!;
  const protocol = header("x-forwarded-proto");
  return {
    address,
    protocol: protocol === "https" || protocol === "http" ? protocol : null,
    host: header("x-forwarded-host"),
  };
}
