// The documents of a Python index as typed values, each field with the line of the standard that defines it.

/** Lower-case hexadecimal digests by algorithm name, as `hashlib` spells it. */
export type Hashes = Record<string, string>;

/** One distribution file of a project. */
export interface ProjectFile {
  /** PEP 691: "The filename that is being represented." */
  filename: string;
  /** Where the upstream has it: absolute, or relative to the upstream's URL. PEP 691: "The URL that the file can be fetched from." */
  location: string;
  /** PEP 691: "A dictionary mapping a hash name to a hex encoded digest of the file." May be empty. */
  hashes: Hashes;
  /** PEP 691: "An optional key that exposes the Requires-Python metadata field." */
  requiresPython: string | null;
  /** PEP 700: "It MUST contain an integer which is the file size in bytes." */
  size: number | null;
  /** PEP 700: "a date/time string which reflects the time the file was uploaded to the index". Passed through as it is. */
  uploadTime: string | null;
  /** PEP 592: true, or the reason, when the file should be "ignored by an installer" unless it is pinned with `==`. */
  yanked: boolean | string;
  /** PEP 658, 714: whether `<url>.metadata` exists, and its hashes. Null when the upstream does not say. */
  coreMetadata: boolean | Hashes | null;
  /** PEP 503: whether `<url>.asc` exists. Null when the upstream does not say. */
  gpgSig: boolean | null;
  /** PEP 740: where the upstream has "the file's associated provenance". */
  provenance: string | null;
}

/** PEP 792: `active`, `archived`, `quarantined` or `deprecated`, and why. */
export interface ProjectStatus {
  status: string;
  reason: string | null;
}

/** All files of one project, as one simple page names them. */
export interface ProjectPage {
  /** PEP 691: "The normalized name of the project." */
  name: string;
  /** PEP 700: "a list of version strings specifying all of the project versions uploaded for this project". Null when not given. */
  versions: string[] | null;
  files: ProjectFile[];
  status: ProjectStatus | null;
  /** The public index's private `_last-serial`, which mirrors compare. */
  lastSerial: string | number | null;
}

/** PEP 629: the version of the simple API that our pages speak; 1.4 is the one with PEP 792. */
export const API_VERSION = "1.4";

export const MEDIA = {
  json: "application/vnd.pypi.simple.v1+json",
  html: "application/vnd.pypi.simple.v1+html",
  text: "text/html",
  integrity: "application/vnd.pypi.integrity.v1+json",
} as const;

/** What is kept of a distribution that is published here, beside its bytes. */
export interface FileMetadata {
  requiresPython: string | null;
  /** Hexadecimal, by the names of the JSON API, without SHA-256. */
  digests: Record<string, string>;
}
