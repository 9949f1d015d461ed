// Who made a release, as far as that was verified here.

/** Whom a verified certificate names: a job of somebody's CI, most often. Null where it does not say. */
export interface Builder {
  /** Who says that it is so: the address of the CI's, or of a log-in's, own authority. */
  issuer: string;
  /** What the certificate was given to: the address of the workflow that ran, or of a person. */
  subject: string;
  /** Where the code is: https://github.com/acme/ui */
  repository: string | null;
  /** `.github/workflows/release.yml` */
  workflow: string | null;
  /** `refs/tags/v1.0.0` */
  ref: string | null;
  /** The commit that was built. */
  commit: string | null;
}

/**
 * `verified`: an attestation of these bytes was held against the trust root, and names `builder`. `unverified`: there is one, and that could not
 * be done: `why`. `false`: it is about something else, or its signature is none: `why`. `none`: nobody says that there is any.
 */
export type ProvenanceState = "verified" | "unverified" | "false" | "none";

/** What was found out about one file. */
export interface Provenance {
  state: ProvenanceState;
  builder: Builder | null;
  /**
   * The registry's signature over name, version and digest. `root`: by a key that the trust root vouches for. `registry`: by a key that the same
   * registry showed, which proves no more than that it said the same twice. Null: there is none that could be checked.
   */
  signature: "root" | "registry" | null;
  /** Why it is `unverified` or `false`, for people; null otherwise. */
  why: string | null;
}

/** A file of which it is to be found out who made it. */
export interface ReleasedFile {
  package: string;
  version: string;
  file: string;
  /** Whether a document said that it is attested; null: none was read for that, or it is published here. */
  isAttested: boolean | null;
}

/** Of a file of which nobody says anything. */
export const NO_PROVENANCE: Provenance = Object.freeze({
  state: "none",
  builder: null,
  signature: null,
  why: null,
});

/** What two releases of one project have in common: the code's place, or else whom the certificate names. */
export function originOf({ issuer, repository, subject }: Builder): string {
  return repository ?? `${subject} (${issuer})`;
}
