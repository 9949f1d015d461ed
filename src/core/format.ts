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
  /** Who asks, as exactly as is known: address and port of the connection, or the address that a trusted proxy names. */
  readonly client: string;
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
  /** The artifact that it is, when that is not `file` of the document's package. See `Artifact.namedAs`. */
  artifact?: { package: string; file: string };
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
  /**
   * `gone`: no longer in the upstream's document. `tampered`: shown there with another integrity than the first one. `fetched`: as the
   * document says, and stored here, with digests in `integrity` that the upstream may not tell (`Format.alsoPinned`).
   */
  state: "gone" | "tampered" | "fetched";
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
  /** What a format needs to know of the document at each request, worked out once a copy and kept in memory. See `Repository.model`. */
  model?(document: Omit<StoredDocument, "overlay">): Promise<unknown>;
  /** Views carry Last-Modified, the time of their last visible change, and If-Modified-Since is answered. */
  isDated?: boolean;
  /** Views are kept and sent as they are, not as gzip: for clients that never take it. */
  isPlain?: boolean;
}

/** A new copy of a document that would take the place of the stored one. */
export interface Candidate {
  ref: DocumentRef;
  source: Source;
  /** The copy in service; null when there is none. */
  previous: StoredDocument | null;
}

/** Stored bytes, as a task reads them. */
export interface StoredBytes extends RandomAccess {
  /** All of them, from the start. Any number of times. */
  chunks(): AsyncIterable<Uint8Array>;
}

/**
 * Work on stored bytes that would hold up the loop: done in the worker thread. Pure: what it returns (JSON) and writes follows from
 * its input alone. Throws Problems.
 */
export type Task = (input: TaskInput) => Promise<unknown>;
export interface TaskInput {
  /** JSON, as the call gave it. */
  // biome-ignore lint/suspicious/noExplicitAny: each task knows its own
  options: any;
  /** In the order of the call. */
  files: StoredBytes[];
  /** To the file that `Repository.derive` gives; nothing in `Repository.work`. */
  write(chunk: Uint8Array | string): Promise<void>;
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
  /** Asked in order where the place before does not have it. Like `path`, or absolute URLs. */
  otherPaths?: string[];
  /**
   * The documents that may name it, asked in order until one does. A file that none names is not found. Empty: the file needs
   * no document, and what `integrity` says, or else its first bytes, is what is pinned.
   */
  namedBy: DocumentRef[];
  /** What those documents call it, when that is not `file`: for documents about many packages. */
  namedAs?: string;
  /** An expectation from elsewhere (the Go checksum database). Called once, on a miss, while the bytes are already on their way. Throws to refuse. */
  integrity?(): Promise<Integrity | null>;
  /**
   * Its place holds the newest of something (an apt index under its plain name): other bytes than expected are Problem("malformed"), not
   * tampered, and no alarm.
   */
  isMoving?: boolean;
  headers?: Record<string, string>;
  /** Largest size accepted, in bytes; 5 GiB unless told. */
  limit?: number;
  /** Whether the request that led to this artifact still would. Always, without it. */
  isCurrent?(): boolean;
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

/** Told of in ledger/events.ts, with how loud each is. */
export type EventKind =
  | "tampered"
  | "orphaned"
  | "returned"
  | "malformed"
  | "unsigned"
  | "fork"
  | "refused"
  | "rollback"
  | "expired"
  | "repacked";

/** Something that an operator must know. Stored, logged, counted. */
export interface RepositoryEvent {
  kind: EventKind;
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
  /**
   * The document's model, remembered for as long as the copy is in service. `stored`: whatever copy is stored, without asking anyone; the
   * upstream is asked only when there is none. `now`: only after the upstream was asked, however long that takes; an old copy
   * comes with `cache.detail`, which says why it is not newer. Throws a Problem.
   */
  model<T>(ref: DocumentRef, which?: "fresh" | "stored" | "now"): Promise<Known<T>>;
  /** Sees to it that an artifact is stored, fetching and proving it when it is not. Throws a Problem. */
  fetch(artifact: Artifact, pace?: Pace): Promise<StoredFile>;
  /** Runs one of the format's tasks on stored bytes, by their SHA-256. Throws a Problem. */
  work<T>(task: string, options: unknown, files: string[]): Promise<T>;
  /** The same for a task that writes a file. It is kept, and made again when it is gone. Collapsed. */
  derive(task: string, options: unknown, files: string[]): Promise<Derived>;
  /** What is stored of a package's files; of all packages without `packageName`. No facts: only what was fetched. In no order. */
  stored(packageName?: string): Promise<StoredArtifactRow[]>;
  /** SHA-256 of a file that was ever fetched, also when it was removed since: its pin stays. */
  pinned(packageName: string, file: string): Promise<string | null>;
  /** Removes files from the catalog and, where nothing else names them, from disk. Their pins stay. */
  remove(files: { package: string; file: string }[]): Promise<{ files: number; bytes: number }>;
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

/** A model and how it was come by. */
export interface Known<T> {
  model: T;
  /** Another one for each copy that was in service. */
  digest: string;
  /** When what is visible last changed. Milliseconds since the epoch. */
  changedAt: number;
  cache: CacheStatus;
}

export interface StoredFile {
  sha256: string;
  size: number;
  /** False when it was stored before. */
  isNew: boolean;
}

export interface StoredArtifactRow {
  package: string;
  version: string;
  file: string;
  sha256: string;
  size: number;
  /** Milliseconds since the epoch. */
  fetchedAt: number;
}

/** A file that a task wrote. */
export interface Derived extends RandomAccess {
  close(): Promise<void>;
}

/** Told of bytes that came; says how many milliseconds to wait before the next are read. */
export type Pace = (bytes: number) => number;

export interface KnownFile {
  file: string;
  version: string;
  integrity: Integrity | null;
  /** Hexadecimal, once fetched. */
  sha256: string | null;
  /** Those of `Format.alsoPinned`, once fetched. */
  digests: Integrity | null;
  size: number | null;
  gone: boolean;
}

/** Random access to a file's bytes, for digests that are not over the bytes as they stand. */
export interface RandomAccess {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * Long or rare work on one repository, which people start as `holdfast <words of the name> <repository>` and the server by itself
 * every `every` milliseconds.
 */
export interface Operation<Options = unknown> {
  /** Two words: "mirror run". */
  name: string;
  /** One line of help, without a final period. */
  summary: string;
  details?: string;
  /** Switches, each with its help. */
  flags?: Record<string, string>;
  /** Milliseconds between turns of the server's own; null for none. */
  every?(options: Options): number | null;
  /** True when all went well. Throws a Problem when it cannot be done at all. */
  run(repository: Repository<Options>, call: OperationCall): Promise<boolean>;
}

export interface OperationCall {
  flags: ReadonlySet<string>;
  /** Shown as a bar on a terminal. `total` may grow. */
  progress(done: number, total: number, note: string): void;
  /** A line for the person who started it, or for the log. */
  say(line: string): void;
  /** Aborted when the person or the server gives up. */
  signal: AbortSignal;
}

/** A number that a format shows in the metrics, by labels beside `repository`. */
export interface FormatGauge<Options = unknown> {
  name: string;
  help: string;
  read(repository: Repository<Options>): Promise<[Record<string, string>, number][]>;
}

/** A file that an option names, read when the configuration is loaded. */
export interface OptionFile {
  path: string;
  bytes: Uint8Array;
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
  /**
   * Whether a new copy of a document may take the place of the one in service, and what must be stored before clients see it. Runs
   * behind: who asks meanwhile gets the old copy after a second. Throws a Problem to refuse: the old copy stays, and an event tells why.
   */
  admit?(candidate: Candidate, repository: Repository<Options>): Promise<void>;
  /** By name, see `Repository.work`. */
  readonly tasks?: Record<string, Task>;
  readonly operations?: readonly Operation<Options>[];
  readonly gauges?: readonly FormatGauge<Options>[];
  /** Options that name files: the configuration puts an OptionFile in place of the path before `options` sees it. */
  readonly fileOptions?: readonly string[];
  /** What `doctor` and the log at start keep saying about a repository: "is not verified: it has no keyring". One sentence each. */
  warnings?(options: Options): string[];
  /** Digest algorithms ("sha1") that are pinned beside SHA-256 and shown to `render` in the overlay of the naming documents. */
  readonly alsoPinned?: readonly string[];
  /** What an archive holds, as a digest, where upstreams pack the same content anew with other bytes. Pinned with the bytes. */
  contentDigest?(file: RandomAccess): Promise<string>;
  /** A failure, in this client's dialect. `path` is what was asked for, as `parse` takes it. */
  problem(problem: Problem, path?: string): Reply;
  setup(url: string, options: Options): Snippet[];
}
