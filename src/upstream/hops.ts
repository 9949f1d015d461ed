// Where an exchange goes first, where redirects send it, and what it carries there (RFC 9110 §15.4). Pure.
import { Problem } from "../core/problem.ts";
import type { UpstreamRequest } from "../core/upstream.ts";
import type { UpstreamSettings } from "./settings.ts";

export interface Hop {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST";
  /** Names in lower case, without credentials. */
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | string | undefined;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The upstream's URL as paths are appended to it: ends with a slash, holds nothing else. */
export function baseOf(settings: UpstreamSettings): URL {
  const url = new URL(settings.url);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  url.username = url.password = url.search = url.hash = "";
  return url;
}

function under(base: URL, url: URL): boolean {
  return url.origin === base.origin && url.pathname.startsWith(base.pathname);
}

/**
 * A path is below the upstream's URL, or, as links of private indexes are written, starts with "/" or "../" and stays on its
 * origin. Throws Problem("malformed") for what leads elsewhere.
 */
export function firstHop(base: URL, request: UpstreamRequest): Hop {
  const absolute = /^https?:\/\//i.test(request.path);
  const link = /^(\/(?!\/)|\.\.\/)/.test(request.path);
  const url =
    absolute || link ? URL.parse(request.path, base) : URL.parse(base.href + request.path);
  if (!url || !(absolute || (link ? url.origin === base.origin : under(base, url))))
    throw new Problem("malformed", `${base.host}: the path leads out of the upstream's URL`);
  url.hash = "";
  const headers: Record<string, string> = { "accept-encoding": "gzip" };
  for (const [name, value] of Object.entries(request.headers ?? {}))
    headers[name.toLowerCase()] = value;
  return { url, method: request.method ?? "GET", headers, body: request.body };
}

/** Null when the answer sends nowhere. Where it sends is not checked here. */
export function nextHop(hop: Hop, response: Response): Hop | null {
  const location = response.headers.get("location");
  if (!REDIRECTS.has(response.status) || location === null) return null;
  const url = URL.parse(location, hop.url);
  if (!url) throw new Problem("unreachable", `${hop.url.host}: redirects to what is no URL`);
  url.hash = "";
  const { authorization, cookie, ...anonymous } = hop.headers;
  const headers = url.origin === hop.url.origin ? hop.headers : anonymous;
  // Only 307 and 308 keep the method and the body.
  const keeps = hop.method !== "POST" || response.status === 307 || response.status === 308;
  return keeps ? { ...hop, url, headers } : { url, headers, method: "GET", body: undefined };
}

/** The value of the Authorization header for this URL: only to the same scheme, host and port, and below `credentialsPath`. */
export function credentialFor(base: URL, settings: UpstreamSettings, url: URL): string | null {
  if (url.origin !== base.origin || !isBelow(settings.credentialsPath ?? "/", url)) return null;
  if (settings.token !== undefined) return `Bearer ${settings.token}`;
  if (settings.username === undefined) return null;
  const pair = Buffer.from(`${settings.username}:${settings.password ?? ""}`);
  return `Basic ${pair.toString("base64")}`;
}

/** As the other end may read it: an encoded slash can hide the way out. */
function isBelow(folder: string, { pathname }: URL): boolean {
  return pathname.startsWith(folder) && !/(%2f|%5c|\/)\.\.|\.\.(%2f|%5c)/i.test(pathname);
}
