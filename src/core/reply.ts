// A response as a value. http/send.ts turns it into HTTP: HEAD, ETag, If-None-Match, Range, compression.

/** A whole file on disk. `size` in bytes. */
export interface FileBody {
  readonly path: string;
  readonly size: number;
}

/** Bytes that arrive while they are sent. An error in it cuts the connection, so that no client takes it for whole. */
export interface StreamBody {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** In bytes, where known before the end. */
  readonly size: number | null;
}

export type Body = Uint8Array | string | FileBody | StreamBody | null;

/** How the cache answered, in the words of RFC 9211. */
export interface CacheStatus {
  /** Answered without waiting for an upstream. */
  hit: boolean;
  /** Why it went forward: nothing stored, or stored but stale. */
  fwd?: "uri-miss" | "stale" | "request";
  fwdStatus?: number;
  stored?: boolean;
  collapsed?: boolean;
  /** Why the stored copy was used although it is stale. */
  detail?:
    | "offline"
    | "unreachable"
    | "slow"
    | "refused"
    | "malformed"
    | "tampered"
    | "unfinished"
    | "busy"
    | "full"
    | "unusable";
  /** A part of a file that is not proven yet, straight from the upstream. */
  isUnverified?: boolean;
  /** Seconds since the stored copy was last confirmed; set on stale answers. RFC 9111 §5.1 */
  age?: number;
  /** Which upstream was asked; for the log. */
  upstream?: string;
}

/** A release whose bytes a reply holds. The same object for as long as the reply is. */
export interface SentRelease {
  readonly package: string;
  readonly version: string;
}

export interface Reply {
  status: number;
  /** Names in lower case. `etag`, `content-length`, `content-encoding` and `cache-status` are set by http/send.ts. */
  headers: Record<string, string>;
  body: Body;
  /** How the bytes of `body` are encoded. Sent as they are to clients that accept it, decoded for the others. */
  encoding?: "gzip";
  /** The entity tag without quotes; makes the reply conditional. */
  etag?: string;
  /** Milliseconds since the epoch; makes the reply conditional for clients that know no entity tags (apt, Composer). */
  lastModified?: number;
  /** Answers Range requests. */
  ranges?: boolean;
  cache?: CacheStatus;
  /** It holds the bytes of a private package: that they were read goes to the audit log. */
  privateRead?: { package: string; purl: string; digest: string };
  /** It holds bytes of a release: who is sent them is written down. */
  release?: SentRelease;
  /** Releases of which something bad is told, and which who asks has in a lock file: that is written down as well. */
  locked?: readonly SentRelease[];
  /** This very object answers many requests and never changes: worth preparing once. */
  isShared?: boolean;
  /** Whether a shared reply is still what a request like the one that got it would get. Without it, it is asked for each time. */
  isCurrent?: () => boolean;
}

/** A reply with a text or JSON body. */
export function reply(
  status: number,
  contentType: string,
  body: Body,
  headers: Record<string, string> = {},
): Reply {
  return { status, headers: { "content-type": contentType, ...headers }, body };
}

export function isFile(body: Body): body is FileBody {
  return body !== null && typeof body === "object" && "path" in body;
}

export function isStream(body: Body): body is StreamBody {
  return body !== null && typeof body === "object" && "chunks" in body;
}
