// What is decided of a release before anybody gets it: the words of policy, as documents and artifacts meet them.
import { Problem } from "./problem.ts";
import { readTraits, type Traits } from "./traits.ts";

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

/** What is said of one release in one repository, to people. */
export interface Explained {
  repository: string;
  package: string;
  purl: string;
  /** Null: allowed. */
  withheld: Withholding | null;
  /** ISO 8601; null where nobody told, or it was there when anybody first looked. */
  publishedAt: string | null;
  /** Waivers that are about the package, also those of other versions. */
  waivers: ExplainedWaiver[];
}

export interface ExplainedWaiver {
  versions: string;
  reason: string;
  owner: string;
  until: number | null;
  untilFixed?: boolean;
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

/** The failure that a client is told of what it is not to have. `packageName`: so that it is written down who asked. */
export function blockedBy({ message, rule, version }: Withholding, packageName?: string): Problem {
  if (packageName === undefined) return new Problem("blocked", message, { rule });
  return new Problem("blocked", message, { rule, detail: { package: packageName, version } });
}

/** What a rule is held against. */
export interface Release {
  package: string;
  version: string;
  /** When it was published: as the registry says, or else when it was first seen here. Milliseconds since the epoch; null: before anybody looked. */
  publishedAt: number | null;
  /** What documents told of it; null: none told anything. */
  traits?: Traits | null;
  /** What is otherwise than in the releases before it. Nothing, without it. */
  suspicion?: Suspicion;
}

/** What of a release is otherwise than in those before it: a clause for people each, which the release is the subject of; null for nothing. */
export interface Suspicion {
  provenance: string | null;
  scripts: string | null;
}

/** By what the registry says, or else by when it was first seen here; ISO 8601. */
export function releaseOf(
  packageName: string,
  said: {
    version: string;
    publishedAt: string | null;
    firstSeen: string | null;
    traits: string | null;
  },
): Release {
  const at = said.publishedAt ?? said.firstSeen;
  return {
    package: packageName,
    version: said.version,
    publishedAt: at === null ? null : Date.parse(at),
    traits: readTraits(said.traits),
  };
}

/** Below 0 when `a` comes before `b`. What is no version comes before all that are; it never throws. */
export type VersionOrder = (a: string, b: string) => number;

/** Which licences are fine. Patterns of SPDX identifiers, in which `*` stands for any text. */
export interface LicenceRule {
  /** Null: all that are not denied. */
  allow: readonly string[] | null;
  deny: readonly string[];
  /** Of a release that names none, or none that can be read. */
  unknown: "allow" | "block";
}

/** How rules speak of advisories: malware, or how bad a vulnerability is. */
export type AdvisoryWord = "malicious" | "critical" | "high" | "moderate" | "low" | "unknown";

/** One rule of the configuration. Exactly one of what is optional is set, but that `exceptFixes` comes with `minimumAge`. */
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
  licence?: LicenceRule;
  /** How long after its publication a version is held that runs a script when it is installed, where the one before did not. Milliseconds. */
  newInstallScript?: number;
  /** How long after its publication a version is held whose provenance was lost or has moved. Milliseconds. */
  provenance?: number;
  /** A package whose name is close to a popular one is told of when it is first asked for. */
  similarName?: "tell";
  /** What becomes of releases that an advisory is about, by what it is. */
  advisories?: Readonly<Partial<Record<AdvisoryWord, Verdict>>>;
  /** With `minimumAge`: what fixes a known vulnerability need not be old. */
  exceptFixes?: true;
}
