// Mutable resources: what an upstream has under one name, and how it is shown.
import type { HostedPackage } from "./hosted.ts";
import type { Integrity } from "./integrity.ts";
import type { Withheld } from "./policy.ts";
import type { Traits } from "./traits.ts";

/** A mutable resource of an upstream: which one it is, whose it is, and where the upstream has it. */
export interface DocumentRef {
  /** One of the keys of `Format.documents`. */
  kind: string;
  /** Its identity within repository and kind: a validated coordinate, never a raw path. */
  key: string;
  /** The package that it is about: what claims are matched with. Empty for what is about none. */
  package: string;
  /** Where the upstream has it: relative to the upstream's URL, without a leading slash, percent-encoded. */
  path: string;
  /** Sent as Accept. */
  accept?: string;
  /** Where this copy came from, after redirects: told to `DocumentType.facts` alone. */
  url?: string;
  /**
   * An absolute URL without a query: where redirects led, of a copy that did not come from `path`. Only of `DocumentType.isLinked`; set by the cache
   * in what it gives to the functions of DocumentType.
   */
  foundAt?: string;
}

/** One file that a document names. */
export interface Fact {
  /** Identity within the package: the file name. */
  file: string;
  version: string;
  integrity: Integrity | null;
  /** Where the upstream has it, when it is not where `Artifact.path` says: an absolute URL. */
  location?: string;
  /** When the upstream says that it was published: ISO 8601. The first time that is told stays. */
  publishedAt?: string;
  /** What it says of the release beside that: of `Format.tells`. What was told first stays. */
  traits?: Traits;
  /** When its maker says that it was made, where the registry tells no time of its own: ISO 8601. Its first sight here counts where that is later. */
  madeAt?: string;
  /** Only tells more of a file that another document names: it makes none known. */
  isAside?: boolean;
  /** The artifact that it is, when that is not `file` of the document's package. See `Artifact.namedAs`. */
  artifact?: { package: string; file: string };
}

/** An entry of a document that cannot be used, and is left out so that the rest can be. */
export interface Skipped {
  /** What people call the entry: a file, a version, a line. */
  what: string;
  /** What is wrong with it, in a few words without a final period. */
  why: string;
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
  /** What policy keeps from clients of it, by file. Nothing, without it. */
  withheld?: Withheld;
}

/** Which view of a document is wanted. Everything that a view depends on is in here. */
export interface ViewRequest {
  /** The format's own name for the view, with its parameters: "abbreviated", "version/1.3.0". */
  variant: string;
  /** The repository's public URL without a trailing slash, or "" for views that do not hold it. */
  base: string;
  /** What it depends on beside the document, as JSON: names that are private, say. */
  data?: unknown;
}

/** A kind of document. All functions are pure, run in a worker for large documents, and throw only Problems. */
export interface DocumentType {
  /** True when the document names all files of its package, so that a file it stops naming is gone upstream. */
  complete: boolean;
  /** Largest size accepted, in bytes, uncompressed. */
  limit: number;
  /**
   * The files that the document names. Throws Problem("malformed") when the bytes are not such a document (a login page). An entry
   * that is wrong in itself is left out and given to `skip`: operators are told of it once, not at each refresh.
   */
  facts(source: Source, ref: DocumentRef, skip?: (entry: Skipped) => void): Promise<Fact[]>;
  /** The entries of some files, in the format's own JSON, so that a view can show them when the upstream no longer does. */
  extract?(
    source: Source,
    ref: DocumentRef,
    files: ReadonlySet<string>,
  ): Promise<Record<string, unknown>>;
  /**
   * The document as an upstream would have it, of a package that is published here. Null when such a document is not about one package. Throws
   * Problem("notFound") when it is about a part that the package does not have.
   */
  compose?(hosted: HostedPackage, ref: DocumentRef): string | null;
  /** The bytes of a view. Throws Problem("notFound") when the document has no such part. */
  render(document: StoredDocument, view: ViewRequest): AsyncIterable<Uint8Array | string>;
  /** What a format needs to know of the document at each request, worked out once a copy and kept in memory. See `Repository.model`. */
  model?(document: Omit<StoredDocument, "overlay" | "withheld">): Promise<unknown>;
  /** Holds links that are relative to where it was found: the same bytes from another place are another document. */
  isLinked?: boolean;
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
