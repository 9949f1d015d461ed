// What a format is, and what the cache does for it. A format is pure protocol: data in, data out.
import type { ZodType } from "zod";
import type { Integrity } from "./integrity.ts";
import type { Problem } from "./problem.ts";
import type { CacheStatus, Reply } from "./reply.ts";

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
  header(name: string): string | null;
  /** The whole body, decompressed when its content-encoding is gzip. Throws Problem("tooLarge") past `limit` bytes. */
  body(limit: number): Promise<Uint8Array>;
}

/** What the caller must be allowed to do. `package` is null for what belongs to no package (ping, search). */
export interface Access {
  action: "read" | "write" | "admin";
  package: string | null;
}

/** A mutable resource of an upstream: which one it is, whose it is, and where the upstream has it. */
export interface DocumentRef {
  /** One of the keys of `Format.documents`. */
  kind: string;
  /** Its identity within repository and kind: a validated coordinate, never a raw path. */
  key: string;
  /** The package that it is about: what claims are matched with. */
  package: string;
  /** Where the upstream has it: relative to the upstream's URL, without a leading slash, percent-encoded. */
  path: string;
  /** Sent as Accept. */
  accept?: string;
}

/** One file that a document names. */
export interface Fact {
  /** Identity within the package: the file name. */
  file: string;
  version: string;
  integrity: Integrity | null;
  /** Where the upstream has it, when it is not where `Artifact.path` says: an absolute URL. */
  location?: string;
}

/** The bytes of a document, readable any number of times. */
export interface Source {
  /** Uncompressed size in bytes, where known. */
  readonly size: number | null;
  /** The uncompressed bytes. */
  chunks(): AsyncIterable<Uint8Array>;
  /** All of it as text. Only for documents that are known to be small: throws Problem("malformed") past 64 MiB. */
  text(): Promise<string>;
  /** All of it parsed, remembered, so that facts and views parse once. Throws Problem("malformed") when it is not JSON. */
  json(): Promise<unknown>;
}

/** What the server knows about a package's files that its newest upstream document does not say. By file. */
export type Overlay = Record<string, OverlayEntry>;
export interface OverlayEntry {
  /** `gone`: no longer in the upstream's document. `tampered`: shown there with another integrity than the first one. */
  state: "gone" | "tampered";
  version: string;
  /** The first integrity seen. */
  integrity: Integrity | null;
  /** ISO 8601, when this state was noticed. */
  since: string;
  /** What `DocumentType.extract` took from the last document that had the file right; null when that is no longer stored. */
  entry: unknown;
}

/** A stored document as `render` sees it. */
export interface StoredDocument {
  ref: DocumentRef;
  source: Source;
  overlay: Overlay;
}

/** Which view of a document is wanted. Everything that a view depends on is in here. */
export interface ViewRequest {
  /** The format's own name for the view, with its parameters: "abbreviated", "version/1.3.0". */
  variant: string;
  /** The repository's public URL without a trailing slash, or "" for views that do not hold it. */
  base: string;
}

/** A kind of document. All functions are pure, run in a worker for large documents, and throw only Problems. */
export interface DocumentType {
  /** True when the document names all files of its package, so that a file it stops naming is gone upstream. */
  complete: boolean;
  /** Largest size accepted, in bytes, uncompressed. */
  limit: number;
  /** The files that the document names. Throws Problem("malformed") when the bytes are not such a document (a login page). */
  facts(source: Source, ref: DocumentRef): Promise<Fact[]>;
  /** The entries of some files, in the format's own JSON, so that a view can show them when the upstream no longer does. */
  extract?(
    source: Source,
    ref: DocumentRef,
    files: ReadonlySet<string>,
  ): Promise<Record<string, unknown>>;
  /** The bytes of a view. Throws Problem("notFound") when the document has no such part. */
  render(document: StoredDocument, view: ViewRequest): AsyncIterable<Uint8Array | string>;
}

/** An immutable resource: which file it is, and how the cache may come to it. */
export interface Artifact {
  package: string;
  version: string;
  /** Identity within the package: the file name. */
  file: string;
  /** pkg:npm/left-pad@1.3.0 */
  purl: string;
  contentType: string;
  /** Where the upstream has it when no document says otherwise: relative to the upstream's URL, percent-encoded. */
  path: string | null;
  /**
   * The documents that may name it, asked in order until one does. A file that none names is not found. Empty: the file needs
   * no document, and what `integrity` says, or else its first bytes, is what is pinned.
   */
  namedBy: DocumentRef[];
  /** An expectation from elsewhere (the Go checksum database). Called once, on a miss, while the bytes are already on their way. Throws to refuse. */
  integrity?(): Promise<Integrity | null>;
  headers?: Record<string, string>;
  /** Largest size accepted, in bytes; 5 GiB unless told. */
  limit?: number;
}

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

/** Something that an operator must know. Stored, logged, counted. */
export interface RepositoryEvent {
  kind: "tampered" | "orphaned" | "returned" | "malformed" | "unsigned" | "fork" | "refused";
  package: string;
  version?: string;
  file?: string;
  /** One sentence. */
  message: string;
  /** Digests, times, upstream: what an investigation needs. */
  detail?: Record<string, unknown>;
}

/** One configured repository, as its format sees it: the only way from a format to the network and the disk. */
export interface Repository<Options = unknown> {
  readonly name: string;
  readonly options: Options;
  /** True when the name is this repository's owner's: never asked for upstream. */
  claims(name: string): boolean;
  /** Throws Problem("notFound") that names the claim, for what a format answers without `view`, `artifact` or `ask`. */
  refuseClaimed(name: string): void;
  /** A view as a reply: from memory or disk when fresh, revalidated when stale. Throws a Problem. */
  view(ref: DocumentRef, view: ViewRequest, headers: Record<string, string>): Promise<Reply>;
  /** A view as bytes, to compose from. Throws a Problem. */
  read(ref: DocumentRef, view: ViewRequest): Promise<{ bytes: Uint8Array; cache: CacheStatus }>;
  /** The one function that reads an artifact, on every path. Throws a Problem. */
  artifact(artifact: Artifact, request: Request): Promise<Reply>;
  /** What is known of a file without asking anyone: its first integrity, SHA-256 and size where fetched. */
  known(packageName: string, file: string): Promise<KnownFile | null>;
  /** All files of a package known from its documents or fetched, in no order. */
  files(packageName: string): Promise<KnownFile[]>;
  /** Asks the upstream, without storing. Throws Problem("offline" | "unreachable"); any HTTP status is an answer. */
  ask(question: Question): Promise<Answer>;
  /** Small values that a format keeps for when the upstream is away (advisories, keys, tiles). */
  keep(key: string, bytes: Uint8Array): Promise<void>;
  kept(key: string): Promise<{ bytes: Uint8Array; at: number } | null>;
  /** Keys of stored documents of one kind that contain `text`, sorted, at most `limit`. */
  documents(kind: string, text: string, limit: number): Promise<string[]>;
  report(event: RepositoryEvent): void;
  /** Milliseconds since the epoch; tests set it. */
  now(): number;
}

export interface KnownFile {
  file: string;
  version: string;
  integrity: Integrity | null;
  /** Hexadecimal, once fetched. */
  sha256: string | null;
  size: number | null;
  gone: boolean;
}

/** Random access to a file's bytes, for digests that are not over the bytes as they stand. */
export interface RandomAccess {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Lines that set a client up. */
export interface Snippet {
  /** What `holdfast setup CLIENT` takes. */
  client: string;
  /** Where the lines belong: "~/.npmrc", "shell". */
  file: string;
  text: string;
}

export interface Format<Route extends { kind: string } = { kind: string }, Options = unknown> {
  readonly name: string;
  /** Its part of the configuration. */
  readonly options: ZodType<Options>;
  /** Its kinds of documents. */
  readonly documents: Record<string, DocumentType>;
  /** Digest algorithms of its own, by their name in an Integrity ("h1"): base64 of the digest of a whole file. */
  readonly digests?: Record<
    string,
    (file: RandomAccess, artifact: { package: string; version: string }) => Promise<string>
  >;
  /** The path grammar, still percent-encoded; pure, never throws. */
  parse(method: string, rawPath: string): Route | null;
  access(route: Route): Access;
  /** The one spelling of all names that are the same here (PEP 503); for patterns of names as well. Names are as they are without it. */
  spell?(name: string): string;
  serve(route: Route, request: Request, repository: Repository<Options>): Promise<Reply>;
  /** A failure, in this client's dialect. `path` is what was asked for, as `parse` takes it. */
  problem(problem: Problem, path?: string): Reply;
  setup(url: string): Snippet[];
}
