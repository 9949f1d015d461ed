// What is decided of a release before anybody gets it: the words of policy, as documents and artifacts meet them.
import { Problem } from "./problem.ts";

/** `hold`: not to be chosen for now, so it is not shown to who resolves. `block`: neither shown nor sent. */
export type Verdict = "hold" | "block";

/** Why a release is held or blocked. */
export interface Withholding {
  verdict: Verdict;
  version: string;
  /** The rule that decided, by its name. */
  rule: string;
  /** When it ends by itself, in milliseconds since the epoch; null: not by the clock. */
  until: number | null;
  /** For people, in one sentence without a final period: which rule, until when, who can lift it. */
  message: string;
  /** The advisory by which the rule decided, by its id. */
  advisory?: string;
}

/** What is withheld of a package's files, by file. A file that is not in it is shown. */
export type Withheld = Readonly<Record<string, Withholding>>;

export const NOTHING_WITHHELD: Withheld = Object.freeze(Object.create(null) as Withheld);

/** Why a file is withheld; undefined for one that is shown. */
export function withholdingOf(
  withheld: Withheld | undefined,
  file: string,
): Withholding | undefined {
  return withheld && Object.hasOwn(withheld, file) ? withheld[file] : undefined;
}

/** The failure that a client is told of what it is not to have. */
export function blockedBy({ message, rule }: Withholding): Problem {
  return new Problem("blocked", message, { rule });
}

/** What a rule is held against. */
export interface Release {
  package: string;
  version: string;
  /** When it was published: as the registry says, or else when it was first seen here. Milliseconds since the epoch; null: before anybody looked. */
  publishedAt: number | null;
}

/** By what the registry says, or else by when it was first seen here; ISO 8601. */
export function releaseOf(
  packageName: string,
  said: { version: string; publishedAt: string | null; firstSeen: string | null },
): Release {
  const at = said.publishedAt ?? said.firstSeen;
  return {
    package: packageName,
    version: said.version,
    publishedAt: at === null ? null : Date.parse(at),
  };
}

/** Below 0 when `a` comes before `b`. What is no version comes before all that are; it never throws. */
export type VersionOrder = (a: string, b: string) => number;

/** How rules speak of advisories: malware, or how bad a vulnerability is. */
export type AdvisoryWord = "malicious" | "critical" | "high" | "moderate" | "low" | "unknown";

/** One rule of the configuration. Exactly one of `minimumAge`, `block`, `allow` and `advisories` is set. */
export interface PolicyRule {
  /** What it is called in messages and logs. */
  name: string;
  /** Purl patterns without a version: `pkg:npm/@acme/*`. */
  packages: readonly string[];
  /** Names of repositories; null for all. */
  repositories: readonly string[] | null;
  /** A range; null for every version. */
  versions: string | null;
  /** Milliseconds. */
  minimumAge?: number;
  /** Why. */
  block?: string;
  /** Why. */
  allow?: string;
  /** What becomes of releases that an advisory is about, by what it is. */
  advisories?: Readonly<Partial<Record<AdvisoryWord, Verdict>>>;
  /** With `minimumAge`: what fixes a known vulnerability need not be old. */
  exceptFixes?: true;
}
