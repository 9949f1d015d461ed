// What the rooms know of the network: one upstream fetch, and the words it may fail with.

export interface UpstreamRequest {
  /** The package that it is about, where it is about one: some are had in one place alone. */
  package?: string | null;
  /** Relative to the upstream's URL (no leading slash, percent-encoded, may hold a query), or an absolute http(s) URL on an allowed host. */
  path: string;
  method?: "GET" | "HEAD" | "POST";
  /** Only ours; a client's headers are never forwarded. `accept-encoding: gzip` is set unless told otherwise. */
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** False: a redirect is an answer like any other. */
  follows?: false;
  /** Ends the exchange early. */
  signal?: AbortSignal;
  /** How long a passing failure (503, 429, a reset) may be tried again, in milliseconds; a few seconds unless told, as clients wait. */
  patienceMs?: number;
  /** May take long: some places are kept for what is short. */
  isLong?: boolean;
  /** Whether somebody still waits for it. What nobody wants is given up when others wait for its place. */
  isWanted?: () => boolean;
  /** Told of bytes that came; says how many milliseconds to wait before the next are read. */
  pace?: (bytes: number) => number;
}

export interface UpstreamResponse {
  status: number;
  headers: Headers;
  /** As sent: still compressed when `content-encoding` says so. Throws Problem("unreachable") when it stalls past the timeout, breaks or ends short of content-length. */
  body: AsyncIterable<Uint8Array>;
  /**
   * Whether the protocol tells the body's end (content-length, a last chunk, no body at all), so that a cut one throws. False where only
   * the end of the connection tells it: a cut body then looks whole, and its end is proven by a digest or not at all.
   */
  isDelimited: boolean;
  /** Reads and drops the rest, or closes the connection. Safe to call twice. */
  discard(): Promise<void>;
  /** The upstream that answered: its host, for logs and metrics. */
  upstream: string;
  /** The final URL, after redirects. */
  url: string;
  /** Redirects led there from what was asked for. */
  isRedirected: boolean;
  /** Whether the answer would still be the same, for what is asked of this very process. Without it that is a matter of time. */
  isCurrent?: () => boolean;
}

/** Why an upstream cannot be asked now, or null when it can. */
export type Unavailable = "offline" | "unreachable" | null;

/** A repository's upstreams as one: tried in order, the next one when one is unreachable. */
export interface Upstream {
  /**
   * Any HTTP answer below 500 but 408, 425 and 429 is an answer. Everything else (5xx, refused, reset, silent, bad TLS, no
   * address, forbidden redirect, open breaker) is Problem("unreachable"), and "offline" when it must not be asked. What may pass is
   * tried a few times first, and what failed a moment ago fails at once.
   */
  fetch(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** Without asking. An open breaker is "unreachable" until its next probe is due. */
  unavailable(): Unavailable;
}
