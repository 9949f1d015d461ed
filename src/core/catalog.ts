// What is known here of packages, as people are shown it. Whatever is in it was read from the disk: nobody is asked.
import type { Inside } from "./inside.ts";
import type { Integrity } from "./integrity.ts";
import type { Withholding } from "./policy.ts";
import type { Provenance, ProvenanceState } from "./provenance.ts";

/** Times are milliseconds since the epoch. */
export interface FoundPackage {
  repository: string;
  format: string;
  package: string;
  /** Stored here: files and bytes. Both 0 for one that a document named, and nobody fetched. */
  files: number;
  bytes: number;
  /** When the newest of them came. */
  newestAt: number | null;
  isHosted: boolean;
}

export interface FoundPackages {
  items: FoundPackage[];
  hasMore: boolean;
}

export interface PackageView {
  repository: string;
  format: string;
  package: string;
  isHosted: boolean;
  /** Whether who gives no name may read it. */
  isPublic: boolean;
  /** Newest first: those that were asked for. */
  versions: VersionRow[];
  /** Of all: how many there are, how many of them are stored, with how many files and bytes. */
  totals: { versions: number; stored: number; files: number; bytes: number };
  /** The newest of all, and the newest that clients are shown; null: there is none. Those before a release count only where there is nothing else. */
  newest: VersionRow | null;
  shown: VersionRow | null;
  /** What its author calls releases, as that stands in the document that is stored: versions, by label. Clients are sent less where policy withholds some. */
  labels: Record<string, string>;
  /** Of the newest release that was looked into. */
  about: { version: string; inside: Inside } | null;
  /** Whether any feed tells what is wrong with packages of the format: without one nothing is known, which is not that there is nothing. */
  hasFeeds: boolean;
  /** The first packages here that need it. */
  dependants: Dependants;
}

/** Packages stored here that need a package, of those that the caller may read: sorted by repository and name. */
export interface Dependants {
  items: Dependant[];
  /** Behind which the next ones stand; null: there are no more, or, where `isCut`, none was found. */
  next: DependantPlace | null;
  /** Of all of them. */
  total: number;
  /** They were counted to there, and there are more, or there may be. */
  isMore: boolean;
  /** Very many need it, and not all were looked at. */
  isCut: boolean;
}

export type DependantPlace = [repository: string, packageName: string];

export interface Dependant {
  repository: string;
  package: string;
  /** The newest stored release of it, which says so. */
  version: string;
  /** `kind` as in an Inside; `range`: as its author wrote it, empty for any version. */
  needs: { kind: string; range: string }[];
}

export interface DependantsView extends Dependants {
  repository: string;
  format: string;
  package: string;
}

export interface VersionRow {
  version: string;
  /** As the upstream tells it, or when it was published here. */
  publishedAt: number | null;
  /** When it was first seen here, or else when its first stored file came; null: it was there when the package was first looked at. */
  firstSeenAt: number | null;
  /** All that are known, and those of them that are stored, with their bytes. */
  files: number;
  stored: number;
  bytes: number;
  withheld: Withholding | null;
  /** The best that is known of any of its files; null: nobody has looked. */
  provenance: ProvenanceState | null;
  advisories: FoundAdvisory[];
  /** Why it is not to be chosen; null where it may. */
  yanked: string | null;
  /** The upstream has it no more. */
  isGone: boolean;
  /** The upstream shows other bytes than the first ones. */
  isTampered: boolean;
  publishedBy: string | null;
}

export interface FoundAdvisory {
  id: string;
  summary: string;
  severity: string | null;
  isMalicious: boolean;
  url: string;
}

export interface VersionView extends VersionRow {
  repository: string;
  format: string;
  package: string;
  purl: string;
  isPublic: boolean;
  filesOf: FileRow[];
  inside: Inside | null;
  /** Why nobody looked into it; null where somebody did. */
  whyNotInside: string | null;
  /** Against the version before it, where both were looked into. */
  difference: Difference | null;
  older: string | null;
  newer: string | null;
  /** Of the package, whichever of its versions they ask for. */
  dependants: Dependants;
}

export interface FileRow {
  file: string;
  size: number | null;
  /** Of the bytes that were first seen: hexadecimal. Null for what was never fetched. */
  sha256: string | null;
  /** As documents told it first. */
  told: Integrity | null;
  isStored: boolean;
  storedAt: number | null;
  /** Where it came from; null for what is published here, or never came. */
  upstream: string | null;
  /** Inside the repository. */
  path: string | null;
  provenance: Provenance | null;
  isGone: boolean;
  isTampered: boolean;
}

/** What is otherwise than in the version before. */
export interface Difference {
  before: string;
  added: string[];
  removed: string[];
  changed: string[];
  /** How many files there are beyond those that are named. */
  more: number;
  dependencies: Changed[];
  scripts: Changed[];
  sizeBefore: number;
  sizeAfter: number;
}

/** Null: it is not there. */
export interface Changed {
  name: string;
  before: string | null;
  after: string | null;
}

/** Of packages that one caller may read; of others it tells what it tells of those that are not there. */
export interface CatalogReader {
  /** `page`: from 1. An empty query: what came lately. */
  search(query: string, page: number): Promise<FoundPackages>;
  /** `part`: which of its versions; all of them without it. Throws Problem("notFound" | "forbidden" | "unauthenticated"). */
  package(
    repository: string,
    name: string,
    part?: { from: number; count: number },
  ): Promise<PackageView>;
  version(repository: string, name: string, version: string): Promise<VersionView>;
  /** Also of a package that nothing else is known of, where something needs it. `after`: where the part before ended. */
  dependants(
    repository: string,
    name: string,
    part: { count: number; after: DependantPlace | null },
  ): Promise<DependantsView>;
}
