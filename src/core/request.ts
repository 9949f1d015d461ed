// One client request, as a format sees it.

/** One client request, addressed to one repository. */
export interface Request {
  readonly id: string;
  /** Upper case. */
  readonly method: string;
  /** Inside the repository, starting with "/", still percent-encoded, without the query. */
  readonly path: string;
  /** Without the "?"; empty when there is none. */
  readonly query: string;
  /** The repository's public URL as this client sees it, without a trailing slash. */
  readonly base: string;
  /** Who asks, as exactly as is known: address and port of the connection, or the address that a trusted proxy names. */
  readonly client: string;
  header(name: string): string | null;
  /** The whole body, decompressed when its content-encoding is gzip. Throws Problem("tooLarge") past `limit` bytes. */
  body(limit: number): Promise<Uint8Array>;
}
