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
  /** The address that the request comes from, also where `client` knows more. */
  readonly address: string;
  /** Asked by a repository that is built on this one, which has what this one owns in another way. */
  readonly isInner?: true;
  header(name: string): string | null;
  /**
   * The whole body, decompressed when its content-encoding is gzip; empty with GET and HEAD. It counts as memory of the server until the
   * request is answered. Throws Problem("tooLarge") past `limit` bytes, Problem("timeout") when it does not come in time, Problem("busy")
   * when there is no memory for it, and Problem("badRequest") when it ends early.
   */
  body(limit: number): Promise<Uint8Array>;
  /**
   * The same in pieces as they come, for what is too large for memory: who reads it holds one at a time. Read to its end, or left in the
   * middle, once, and in place of `body`.
   */
  stream(limit: number): AsyncIterable<Uint8Array>;
}
