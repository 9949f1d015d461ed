// Exchanges with an upstream that are no documents.

/** An exchange with the upstream that is not a document: a search, an audit, a signed tile. */
export interface Question {
  /** Relative to the upstream's URL, without a leading slash, percent-encoded, with the query; or an absolute URL on an allowed host. */
  path: string;
  /** The package that it is about, or null when it names none. A claimed one is refused with Problem("notFound"). */
  package: string | null;
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** Largest answer accepted, in bytes. 16 MiB unless told. */
  limit?: number;
}

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
  upstream: string;
}
