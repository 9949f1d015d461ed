// Where an upstream may lead us: host names, schemes and addresses. Special addresses by IANA's registries (RFC 6890).
import { isIP } from "node:net";
import { Problem } from "../core/problem.ts";

/** `metadata`: link-local addresses and those where clouds tell secrets. Never asked. */
export type AddressKind = "public" | "private" | "metadata";

// Where IPv6 holds IPv4 addresses (RFC 4291, IPv4-mapped).
const MAPPED = 0xffffn << 32n;

// Cloud metadata services outside of the link-local ranges stand beside them.
const METADATA = [
  "169.254.0.0/16",
  "fe80::/10",
  "fd00:ec2::254/128",
  "fd20:ce::254/128",
  "100.100.100.200/32",
  "168.63.129.16/32",
].map(parsePrefix);

const PRIVATE = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10", // RFC 6598, carrier-grade NAT
  "127.0.0.0/8",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96", // unspecified, loopback and the deprecated IPv4-compatible form
  "64:ff9b:1::/48", // RFC 8215, local translation
  "100::/64",
  "2001::/23", // IETF protocol assignments, with Teredo
  "2001:db8::/32",
  "2002::/16", // 6to4
  "fc00::/7",
  "fec0::/10",
  "ff00::/8",
].map(parsePrefix);

// RFC 6052: an IPv4 address as seen through NAT64. What counts is the address inside.
const NAT64 = parsePrefix("64:ff9b::/96");

interface Prefix {
  bits: bigint;
  shift: bigint;
}

/** A numeric address in the 128 bits of IPv6, IPv4 in its mapped form; null when it is none. */
function parseAddress(address: string): bigint | null {
  const [text = ""] = address.split("%"); // without the zone
  const family = isIP(text);
  if (family === 4)
    return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) | MAPPED;
  if (family !== 6) return null;
  // The URL parser writes any form as at most one "::" and hexadecimal groups.
  const [head = "", tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split("::");
  const left = head ? head.split(":") : [];
  const right = tail ? tail.split(":") : [];
  const gap = Array(8 - left.length - right.length).fill("0");
  return [...left, ...gap, ...right].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
}

function parsePrefix(cidr: string): Prefix {
  const [address = "", length] = cidr.split("/");
  const shift = BigInt((isIP(address) === 4 ? 32 : 128) - Number(length));
  return { bits: parseAddress(address)! >> shift, shift };
}

const within = (address: bigint, { bits, shift }: Prefix) => address >> shift === bits;

/** What is no address at all counts as private. */
export function kindOfAddress(text: string): AddressKind {
  let address = parseAddress(text);
  if (address === null) return "private";
  if (within(address, NAT64)) address = (address & 0xffffffffn) | MAPPED;
  const inside = (prefix: Prefix) => within(address, prefix);
  if (METADATA.some(inside)) return "metadata";
  return PRIVATE.some(inside) ? "private" : "public";
}

/** The address that a URL's host is, without brackets, or null when it is a name. */
export function literalAddress(url: URL): string | null {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return isIP(host) ? host : null;
}

const DEFAULT_PORTS: Record<string, string> = { "http:": "80", "https:": "443" };

/** Whether one pattern of `hosts` means this URL's host and port. */
function matches(pattern: string, url: URL): boolean {
  const [, name = "", port] = /^(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase())!;
  const defaultPort = DEFAULT_PORTS[url.protocol] ?? "";
  if ((port ?? defaultPort) !== (url.port || defaultPort)) return false;
  return name.startsWith("*.") ? url.hostname.endsWith(name.slice(1)) : url.hostname === name;
}

export interface Allowlist {
  /** Throws Problem("unreachable") when the upstream may not lead to this URL. */
  check(url: URL): void;
  /** Throws Problem("unreachable") when the URL's host may not have one of these addresses. */
  checkAddresses(url: URL, addresses: string[]): void;
}

/** What the upstream at `base` may lead to: its own origin, and `hosts`. */
export function createAllowlist(
  base: URL,
  hosts: string[],
  allowPrivate: string[] = [],
): Allowlist {
  const literal = [...hosts.filter((pattern) => !pattern.startsWith("*.")), ...allowPrivate];
  const refuse = (url: URL, why: string) => new Problem("unreachable", `${url.host}: ${why}`);
  return {
    check(url) {
      if (url.protocol !== "http:" && url.protocol !== "https:")
        throw new Problem("unreachable", `${base.host} leads to a ${url.protocol} URL`);
      if (url.username || url.password)
        throw refuse(url, `${base.host} leads to a URL with a user name in it`);
      if (url.origin === base.origin) return;
      if (url.protocol === "http:" && base.protocol === "https:")
        throw refuse(url, `${base.host} leads from https to http`);
      if (!hosts.some((pattern) => matches(pattern, url)))
        throw refuse(
          url,
          `${base.host} leads there, but it is not listed; add "${url.host}" to \`hosts\` of this upstream to allow it`,
        );
    },
    checkAddresses(url, addresses) {
      const may = url.origin === base.origin || literal.some((pattern) => matches(pattern, url));
      for (const address of addresses) {
        const kind = kindOfAddress(address);
        if (kind === "metadata")
          throw refuse(
            url,
            `has the link-local or metadata address ${address}, which is never asked`,
          );
        if (kind === "private" && !may)
          throw refuse(
            url,
            `has the private address ${address}; add "${url.host}" to \`hosts\` of this upstream to allow it`,
          );
      }
    },
  };
}
