// Packages that are published here, as a format sees them.

/** One file of a release. */
export interface HostedFile {
  /** Identity within the package: the file name. */
  file: string;
  /** One of the keys of `Format.artifacts`. */
  kind: string;
  version: string;
  /** Hexadecimal. */
  sha256: string;
  size: number;
  /** Milliseconds since the epoch. */
  publishedAt: number;
  /** A user, or a CI job. */
  publishedBy: string;
  /** The format's own, as JSON: digests, what a page says of it. */
  metadata: unknown;
}

/** One version of a hosted package. */
export interface HostedRelease {
  version: string;
  publishedAt: number;
  publishedBy: string;
  /** The format's own, as JSON: a manifest. */
  metadata: unknown;
  /** Why it is not to be chosen any more; the empty string where nobody said why. Null: it is not yanked. */
  yanked: string | null;
  /** In the order of their publication. None of them was removed. */
  files: HostedFile[];
}

/** A package whose name belongs to the repository, since something was published under it. */
export interface HostedPackage {
  name: string;
  /** Rises with every change of anything here. */
  revision: number;
  createdAt: number;
  createdBy: string;
  changedAt: number;
  /** The format's own, as JSON: tags, owners. `{}` at first. */
  state: Record<string, unknown>;
  /** In the order of their publication, without those that were removed. */
  releases: HostedRelease[];
}
