// The small values of the configuration: durations, sizes, addresses, and how they are written back.
import { z } from "zod";
import { DURATION, parseDuration } from "../core/duration.ts";
import type { Share } from "../core/share.ts";
import { parseSize, SIZE, UNITS } from "../core/size.ts";
import { show } from "./show.ts";

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*)):(\d{1,5})$/;

/** Linux takes 107 bytes. unix(7) */
const SOCKET = /^unix:\/[\x21-\x7e]{1,106}$/;

/** Where to listen. `host` is without brackets; of a socket file it is "unix:" and its path, and the port is 0. */
export interface Address {
  host: string;
  port: number;
}

/** The shortest exact way to write it: 300000 is "5m". Only for whole seconds. */
export function formatDuration(ms: number): string {
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ];
  const [unit, size] = units.find(([, size]) => ms > 0 && ms % size === 0) ?? ["s", 1000];
  return `${ms / size}${unit}`;
}

/** The shortest exact way to write it in powers of 1024: 67108864 is "64MiB". */
export function formatSize(bytes: number): string {
  const units = ["TiB", "GiB", "MiB", "KiB"];
  const unit = units.find((unit) => bytes > 0 && bytes % UNITS[unit]! === 0) ?? "B";
  return `${bytes / UNITS[unit]!}${unit}`;
}

export function formatShare(share: Share): string {
  return "bytes" in share ? formatSize(share.bytes) : `${share.percent}%`;
}

/** The path of a socket file; null for what is none. */
export function socketPath(host: string): string | null {
  return host.startsWith("unix:") ? host.slice("unix:".length) : null;
}

/** Null when it is neither HOST:PORT nor unix:/PATH; an IPv6 address stands in brackets. */
export function parseAddress(text: string): Address | null {
  if (SOCKET.test(text)) return { host: text, port: 0 };
  const match = ADDRESS.exec(text);
  const port = Number(match?.[3]);
  return match && port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : null;
}

export function formatAddress({ host, port }: Address): string {
  if (socketPath(host) !== null) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An http(s) URL without credentials; null is for "cannot be parsed at all". */
function plainUrl(text: string): URL | null {
  const url = URL.parse(text);
  return url && /^https?:$/.test(url.protocol) && !url.username && !url.password ? url : null;
}

/** An error that tells the form and what stood there instead. Not for what may hold a secret. */
function wants(form: string) {
  return {
    error: ({ input }: { input?: unknown }) =>
      input === undefined ? "is missing" : `expected ${form}, got ${show(input)}`,
  };
}

const duration = wants("a duration (a whole number and a unit: 30s, 5m, 24h, 7d)");
export const Duration = z
  .string(duration)
  .regex(DURATION, duration)
  .transform(parseDuration)
  .meta({ title: "duration" });

const size = wants("a size (a whole number and a unit: 512KiB, 64MiB, 2GB)");
export const Size = z.string(size).regex(SIZE, size).transform(parseSize).meta({ title: "size" });

const share = wants("a size or a part of the disk, like 20GiB or 10%");
/** Of a disk. */
export const DiskShare = z
  .string(share)
  .regex(/^(\d+(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)|\d{1,2}%)$/, share)
  .transform(
    (text): Share =>
      text.endsWith("%") ? { percent: Number.parseInt(text, 10) } : { bytes: parseSize(text) },
  )
  .meta({ title: "size or percent" });

const listen = wants(
  "HOST:PORT, like 127.0.0.1:4653 or [::]:4653, or a socket file, like unix:/run/holdfast/holdfast.sock",
);
export const Listen = z
  .string(listen)
  .regex(new RegExp(`${ADDRESS.source}|${SOCKET.source}`), listen)
  .refine((text) => parseAddress(text) !== null, "the port must be 65535 or less")
  .transform((text) => parseAddress(text)!)
  .meta({ title: "host:port" });

export const HttpUrl = z
  .string()
  .refine(
    (text) => plainUrl(text) !== null,
    "expected an http:// or https:// URL without a user name or password in it",
  )
  .meta({ title: "URL" });

export const ProxyUrl = z
  .string()
  .refine((text) => {
    const url = URL.parse(text);
    return Boolean(url && /^(https?|socks5h?):$/.test(url.protocol) && url.hostname);
  }, "expected http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT")
  .refine(
    (text) => !URL.parse(text)?.password,
    "a password does not belong in here: use proxyPasswordFile or proxyPasswordEnv",
  )
  .meta({ title: "URL" });

export const IpRange = z
  .string()
  .refine(
    (text) =>
      [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()].some((form) => form.safeParse(text).success),
    wants("an IP address or a range, like 10.0.0.7 or 10.0.0.0/8"),
  )
  .meta({ title: "IP address or range" });

export const SocketMode = z
  .string(wants('the mode of a file, in quotes, like "0660"'))
  .regex(/^0?[0-7]{3}$/, wants('the mode of a file, in quotes, like "0660"'))
  .transform((text) => Number.parseInt(text, 8))
  .meta({ title: "mode" });

/** Whose headers count: a proxy at an address, or whoever may open the server's socket file. */
export const TrustedProxy = z
  .string()
  .refine(
    (text) => text === "unix:" || IpRange.safeParse(text).success,
    wants("an IP address, a range, or unix: for those who come through the socket file"),
  )
  .meta({ title: "IP address, range or unix:" });

export const Path = z.string().min(1, "must not be empty").meta({ title: "path" });
export const EnvName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of an environment variable")
  .meta({ title: "variable name" });
