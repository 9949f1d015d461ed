// Immutable resources: files of releases, and what is known of them.
import type { DocumentRef } from "./document.ts";
import type { Integrity } from "./integrity.ts";

/** An immutable resource: which file it is, and how the cache may come to it. */
export interface Artifact {
  /** One of the keys of `Format.artifacts`. */
  kind: string;
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
  /** `path` and `otherPaths` are where it is wanted from, whatever the documents say: they go before the place that those name. */
  isPreferred?: boolean;
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
  /** Only tells of the release, to who works out which one to take: sent while that is held. */
  isDescription?: boolean;
  /** Documents that tell when the release was made, asked under a rule about ages where none that names the file does. */
  datedBy?(): DocumentRef[];
  /** Documents that tell its licence, asked under a rule about licences where none that names the file does. */
  toldBy?(): DocumentRef[];
  /** When it was made, as the version itself says: ISO 8601. */
  madeAt?(): string | null;
  headers?: Record<string, string>;
  /** Largest size accepted, in bytes; 5 GiB unless told. */
  limit?: number;
  /** Whether the request that led to this artifact still would. Always, without it. */
  isCurrent?(): boolean;
}

/** The artifact that some bytes should be. */
export type NamedArtifact = Pick<Artifact, "kind" | "package" | "version" | "file">;

/** A kind of artifact. All functions are pure, run in a worker for large files, and throw only Problems. */
export interface ArtifactType {
  /**
   * Reads the bytes to their end. Throws Problem("malformed") when they are not such a file or not all of it: a page, an error in JSON,
   * a cut archive. Asked where no digest vouches for them, so that what would be pinned for ever is at least readable.
   */
  check(file: RandomAccess, artifact: NamedArtifact): Promise<void>;
  /** Clients read small parts of it, a directory at its end, to learn what it holds before they want all of it. */
  isReadInParts?: boolean;
}

/** Random access to a file's bytes, for digests that are not over the bytes as they stand. */
export interface RandomAccess {
  readonly size: number;
  /** `into`: at least so many bytes of memory that may be written to, in place of new ones. */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** Told of bytes that came; says how many milliseconds to wait before the next are read. */
export type Pace = (bytes: number) => number;

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

/** What a stored file is called, and what it is. */
export type StoredName = Pick<StoredArtifactRow, "package" | "version" | "file" | "sha256">;

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
