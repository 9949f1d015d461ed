// What a page is asked with.
import type { Reader } from "./frame/reader.ts";

/** A request for a page. */
export interface SiteRequest {
  readonly method: string;
  /** Without the "?". */
  readonly query: string;
  /** The address of this server as the client sees it, or that of the repository whose own port it is. */
  readonly origin: string;
  readonly address: string;
  header(name: string): string | null;
  /** As `Request.body`. */
  body(limit: number): Promise<Uint8Array>;
  /** As `Request.stream`. */
  stream(limit: number): AsyncIterable<Uint8Array>;
}

/** With who looks at the page that comes of it. */
export interface PageRequest extends SiteRequest {
  readonly reader: Reader;
}
