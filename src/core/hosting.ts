// Publishing in one repository, for one caller.
import type { RandomAccess } from "./artifact.ts";
import type { HostedFile, HostedPackage } from "./hosted.ts";

/** Bytes that a client sent, on disk, and not yet anything: published, or discarded. */
export interface Upload {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly size: number;
  /** Base64, by algorithm, of those that were asked for. */
  readonly digests: Readonly<Record<string, string>>;
  open(): Promise<RandomAccess & { close(): Promise<void> }>;
  /** Removes the bytes, unless they were published. To be called in any case. */
  discard(): Promise<void>;
}

/** A file that is to be published. */
export interface NewFile {
  file: string;
  /** One of the keys of `Format.artifacts`. */
  kind: string;
  /** pkg:npm/left-pad@1.3.0 */
  purl: string;
  /** How a client asks for it inside the repository. */
  path: string;
  upload: Upload;
  metadata: unknown;
}

/** What is to be published in the words that all formats share: a command's, or those of a call of the API. */
export interface Given {
  /** As the caller spells it; null where the files themselves are to say. */
  package: string | null;
  version: string | null;
  files: readonly GivenFile[];
  /** By the names of `Format.publishes`. */
  values: Readonly<Record<string, string>>;
}

export interface GivenFile {
  /** What it is called where it comes from, without folders. */
  name: string;
  /** Bytes; null where that is known at its end. */
  size: number | null;
  /** To be read once. */
  chunks: AsyncIterable<Uint8Array>;
}

/** What became of one file that was given. */
export interface GivenPublished {
  package: string;
  version: string;
  /** What it is called in the repository. */
  file: string;
  /** False where it was there, with the same bytes. */
  isNew: boolean;
}

export interface Publication {
  package: string;
  version: string;
  /** The release's; kept from its first publication when the release is there. */
  metadata: unknown;
  files: NewFile[];
  /** What becomes of the package's own state (tags). Pure: it may run twice. */
  state?(before: Record<string, unknown>): Record<string, unknown>;
  /** Beside who publishes it and which digest it has: for the audit log. */
  detail?: Record<string, unknown>;
  /** Made of what was published, of which hooks were told then: they are told no more of it. */
  isDerived?: boolean;
}

/** What of a hosted package is to be different. Bytes never change. */
export interface HostedChange {
  state?: Record<string, unknown>;
  releases?: { version: string; metadata?: unknown; yanked?: string | null }[];
}

/** Which part of a package; all of it without either. */
export interface Part {
  version?: string;
  file?: string;
}

/**
 * What is published in one repository. Each function asks the caller's grant first: to read for `read` and `search`, to publish, to
 * unpublish or to administer the package for the others. Those that change something ask it as it is by then again, when they come to do it. Throws Problems.
 */
export interface Hosting {
  /** Whether the package's name belongs to this repository because something was published under it. Asks nobody: tells nothing to clients. */
  owns(packageName: string): boolean;
  /** Null when there is no such package here. */
  read(packageName: string): Promise<HostedPackage | null>;
  /** Names that contain `text`, sorted, of packages that the caller may read; at most `limit`. */
  search(text: string, limit: number): Promise<string[]>;
  /**
   * To be called before a body is read: whether the caller may publish the package here, whether its name can be (not one that the upstream
   * was seen to have, unless it is claimed), and whether `size` bytes more are within quotas. Null for a package that only the body names: whether
   * the caller may publish anything here, and the rest is asked when that is known. Throws Problem("forbidden" | "unauthenticated" | "conflict" |
   * "tooLarge" | "full").
   */
  admit(packageName: string | null, size: number | null): Promise<void>;
  /**
   * Writes what a client sends to disk as it comes. `algorithms`: digests that are wanted beside SHA-256 ("sha512", "sha1", "md5", "blake2b256").
   * `packageName`: as of `admit`.
   */
  receive(
    packageName: string | null,
    chunks: AsyncIterable<Uint8Array>,
    limit: number,
    algorithms?: readonly string[],
  ): Promise<Upload>;
  /**
   * Keeps what the caller sent, under a name of theirs and in place of what they kept under it, until `Upload.discard` of what `aside` gives lets go of it. When it
   * resolves it is on the disk: it outlives the server. It counts in quotas.
   */
  setAside(name: string, upload: Upload): Promise<void>;
  /** What the caller set aside, by name. It is published as what just came is. */
  aside(): Promise<ReadonlyMap<string, Upload>>;
  /**
   * Publishes a release, or adds files to one. When it resolves all is on the disk, and written down in the audit log. Files that are here with
   * the same bytes are left as they are; `isNew` is false when all were. `revision`: the package's then; all of it is read by `read`, for that
   * costs more with each version. Throws Problem("conflict") when one is or was here with others.
   */
  publish(publication: Publication): Promise<{ isNew: boolean; revision: number }>;
  /**
   * Changes what is said of a package, by compare-and-swap: `change` may run more than once. `expected`: a revision; Problem("conflict") when it is
   * another one by now. `what` goes to the audit log: "deprecate", "dist-tag".
   */
  change(
    packageName: string,
    what: { action: "yank" | "unyank" | "change"; name: string; detail?: Record<string, unknown> },
    change: (now: HostedPackage) => HostedChange,
    expected?: number,
  ): Promise<HostedPackage>;
  /**
   * Takes files, releases or a whole package out of what is shown, for which the caller must be allowed to unpublish: all of the parts, or nothing
   * when one of them is not there. What was removed can be restored for a while, and never be published with other bytes. Its name stays this
   * repository's.
   */
  remove(
    packageName: string,
    what: Part | readonly Part[],
    expected?: number,
  ): Promise<{ files: number }>;
}

/** What the server itself is told and does beside it: for documents that are about all packages of a repository. */
export interface OwnHosting extends Hosting {
  /** Another number whenever something was published here, removed, restored or changed since the server started. */
  turn(): number;
  /** All files that are shown, of all packages, in no order. */
  all(): Promise<PackageFile[]>;
  /** Lets go of what anybody set aside at `until` or before. Returns how many files those were. */
  expireAside(until: number): Promise<number>;
  /**
   * Takes releases and files of a package off the disk, without any trash, as far as nothing else names their bytes: for what the server itself made, under the
   * name of its digest.
   */
  forget(
    packageName: string,
    what: { versions: readonly string[]; files: readonly string[] },
  ): Promise<void>;
}

export interface PackageFile extends HostedFile {
  package: string;
}
