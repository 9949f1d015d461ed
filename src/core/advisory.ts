// What is known to be wrong with releases: advisories of feeds (OSV), as rooms and formats tell each other of them.
import type { VersionOrder } from "./policy.ts";

/** One advisory about one package, as OSV tells it, made flat. */
export interface Advisory {
  id: string; // GHSA-..., PYSEC-..., GO-..., MAL-..., PKSA-...
  aliases: readonly string[]; // CVE-...
  purlType: string; // of the package: "npm"
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
  seed?: Seed | undefined;
}

/** What this program knows of an ecosystem by itself, as it was when the program was made (scripts/seed.ts). */
export interface Seed {
  /** As of when. ISO 8601 */
  at: string;
  /** All that its source knew at that time: of what it does not tell, nothing was known. */
  isWhole: boolean;
  records: number;
  /** Another one for other records. */
  mark: string;
  /** Of a file with a record a line, packed with Brotli. */
  path: string;
}

/** What is known of advisories here. */
export interface Advisories {
  /** By the purl type of the format (npm, pypi, golang, composer, deb) and the package's normal name. Withdrawn ones left out. */
  about(type: string, name: string): Promise<readonly Advisory[]>;
  byId(id: string): Promise<readonly Advisory[]>;
  /** When each feed was last read, and how old its newest record is; empty: there is no feed. */
  feeds(): Promise<readonly FeedState[]>;
  /** Those of them that tell of packages of this type. */
  covering(type: string): Promise<readonly FeedState[]>;
  /** All of the type, one after the other, without those that were withdrawn. */
  all(type: string): AsyncIterable<Advisory>;
}

/** What feeds tell of the packages of one repository, for one caller. */
export interface ToldAdvisories {
  /** Null where no feed tells of such packages: nothing is known, which is not the same as that there is nothing. */
  state(): Promise<ToldState | null>;
  /** By the package's normal name. Throws Problem("forbidden" | "unauthenticated") for a package that the caller may not read. */
  about(name: string): Promise<readonly Advisory[]>;
  /** The same of many packages; those that the caller may not read are not in it. */
  aboutAll(names: readonly string[]): Promise<ReadonlyMap<string, readonly Advisory[]>>;
  /** What is about packages that the caller may read. */
  byId(id: string): Promise<readonly Advisory[]>;
  /** All about packages that the caller may read. */
  all(): AsyncIterable<Advisory>;
}

export interface ToldState {
  /** When the feed was read that was read longest ago. ISO 8601 */
  readAt: string;
  /** When the newest record of all was modified. */
  newestAt: string | null;
  /** Names of feeds that could not be read the last time: what they tell is as old as `readAt`. */
  failing: readonly string[];
}

/** What the feeds that cover a type make together. */
export function toldState(feeds: readonly FeedState[]): ToldState | null {
  const read = feeds.flatMap(({ readAt }) => readAt ?? []).sort();
  const [readAt] = read;
  if (readAt === undefined) return null;
  const newest = feeds.flatMap(({ newestAt }) => newestAt ?? []).sort();
  return {
    readAt,
    newestAt: newest.at(-1) ?? null,
    failing: feeds.filter(({ error }) => error !== null).map(({ name }) => name),
  };
}

/** ISO 8601 times; null: never, or none. */
export interface FeedState {
  name: string;
  readAt: string | null;
  newestAt: string | null;
  records: number;
  /** Why it could not be read the last time. What it told before still counts. */
  error: string | null;
  /** Of what this program itself knows, until a feed is read: as of when. Null for a feed. */
  seedOf: string | null;
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
