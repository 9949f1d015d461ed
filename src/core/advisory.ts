// What is known to be wrong with releases: advisories of feeds (OSV), as rooms and formats tell each other of them.
import type { VersionOrder } from "./policy.ts";

/** One advisory about one package, as OSV tells it, made flat. */
export interface Advisory {
  id: string; // GHSA-..., PYSEC-..., GO-..., MAL-..., PKSA-...
  aliases: readonly string[]; // CVE-...
  package: string; // by the format's normal form
  kind: "vulnerability" | "malicious";
  summary: string;
  details: string; // bounded
  severity: "critical" | "high" | "moderate" | "low" | null; // of database_specific or CVSS
  cvss: string | null; // vector
  score: number | null;
  cwes: readonly string[];
  url: string; // where people read of it
  publishedAt: string | null;
  modifiedAt: string;
  withdrawnAt: string | null;
  /** Versions named one by one, and ranges (introduced <= v < fixed, or <= lastAffected), in the format's own order. */
  versions: readonly string[];
  ranges: readonly AffectedRange[];
  /** The record as the feed sent it, for clients that speak OSV. */
  raw: () => string;
  feed: string;
  /** How many tell of it, each for itself; 1 unless told. */
  sources?: number;
  /** People who keep the database looked at it. */
  isReviewed?: boolean;
}

export interface AffectedRange {
  /** "0": from the first version on. */
  introduced: string;
  fixed: string | null;
  lastAffected: string | null;
}

/** How OSV calls what a format has. */
export interface Ecosystem {
  /** Without what follows a colon ("Debian:12"): "Debian". */
  ecosystem: string;
  purlType: string;
  /** The one spelling of a name. */
  spell?: ((name: string) => string) | undefined;
  /** A version as the format writes it. */
  version?: ((text: string) => string) | undefined;
}

/** What is known of advisories here. */
export interface Advisories {
  /** By the purl type of the format (npm, pypi, golang, composer, deb) and the package's normal name. Withdrawn ones left out. */
  about(type: string, name: string): Promise<readonly Advisory[]>;
  byId(id: string): Promise<readonly Advisory[]>;
  /** When each feed was last read, and how old its newest record is; empty: there is no feed. */
  feeds(): Promise<readonly FeedState[]>;
}

/** ISO 8601 times; null: never, or none. */
export interface FeedState {
  name: string;
  readAt: string | null;
  newestAt: string | null;
  records: number;
  /** Why it could not be read the last time. What it told before still counts. */
  error: string | null;
}

/**
 * Whether the advisory is about the version: it is named, or within a range. Without an order only versions that are named count. What is no version
 * comes before all others, so that a range from the first version on is about it as well; a range with a bound that is no version is about none.
 */
export function affects(
  { versions, ranges }: Pick<Advisory, "versions" | "ranges">,
  version: string,
  order: VersionOrder | null,
): boolean {
  return names({ versions }, version, order) || ranges.some((one) => within(one, version, order));
}

/** Whether the advisory names the version itself. */
export function names(
  { versions }: Pick<Advisory, "versions">,
  version: string,
  order: VersionOrder | null,
): boolean {
  return versions.some((one) => one === version || order?.(one, version) === 0);
}

function within(
  { introduced, fixed, lastAffected }: AffectedRange,
  version: string,
  order: VersionOrder | null,
): boolean {
  if (!order) return introduced === "0" && fixed === null && lastAffected === null;
  if (introduced !== "0" && (isNone(introduced, order) || order(version, introduced) < 0))
    return false;
  if (fixed !== null) return !isNone(fixed, order) && order(version, fixed) < 0;
  return (
    lastAffected === null || (!isNone(lastAffected, order) && order(version, lastAffected) <= 0)
  );
}

/** What is no version is no greater than the empty text. */
function isNone(text: string, order: VersionOrder): boolean {
  return order(text, "") <= 0;
}
