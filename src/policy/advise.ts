// What advisories make of a release, by the rules that ask for them. Pure.
import { type Advisory, affects, names } from "../core/advisory.ts";
import type { AdvisoryWord, Release, VersionOrder } from "../core/policy.ts";
import type { PopularNames } from "./popular.ts";
import type { CompiledRule } from "./rules.ts";

/** Why an advisory that is about a release does not count by itself. */
export type Doubt =
  /** It names its versions, and was widened to all others. */
  | "widened"
  /** It is about every version of a name that very many use, and one source alone tells it. */
  | "popular";

/** What counts of an advisory for a release. */
export interface Counted {
  advisory: Advisory;
  doubt: Doubt | null;
}

/** What is needed to know of the repository. */
interface Judged {
  order: VersionOrder | null;
  popular?: PopularNames | undefined;
}

/** Those that are about the release, with those that are in doubt. */
export function countedFor(
  version: string,
  advisories: readonly Advisory[],
  { order, popular }: Judged,
): Counted[] {
  return advisories
    .filter((one) => one.withdrawnAt === null && affects(one, version, order))
    .map((advisory) => ({
      advisory,
      doubt: doubtOf(advisory, version, advisories, { order, popular }),
    }));
}

/** The first rule that blocks by an advisory; else the first that holds. Which advisory it is is told with it. */
export function advised(
  { version }: Pick<Release, "version">,
  rules: readonly CompiledRule[],
  advisories: readonly Advisory[],
): { how: "block" | "hold"; rule: string; advisory: Advisory } | null {
  const asking = rules.filter(({ rule }) => rule.advisories !== undefined);
  const [first] = asking;
  if (!first || advisories.length === 0) return null;
  const counted = countedFor(version, advisories, first).filter(({ doubt }) => doubt === null);
  let holding: ReturnType<typeof advised> = null;
  for (const { rule } of asking)
    for (const { advisory } of counted) {
      const how = rule.advisories![wordOf(advisory)];
      if (how === "block") return { how, rule: rule.name, advisory };
      if (how === "hold") holding ??= { how, rule: rule.name, advisory };
    }
  return holding;
}

/** By which word rules speak of it. */
export function wordOf({ kind, severity }: Advisory): AdvisoryWord {
  return kind === "malicious" ? "malicious" : (severity ?? "unknown");
}

/**
 * Whether the version is one that an advisory names as its fix, while all before it of the same major version are affected: for rules that let fixes
 * through young. Who can publish can also tell of a hole, so that a word of one's own does not count: people who keep the database looked at it, or two
 * tell of it. None where malware is told of the version.
 */
export function isFix(
  version: string,
  advisories: readonly Advisory[],
  repository: Judged,
): boolean {
  const { order } = repository;
  if (!order) return false;
  if (countedFor(version, advisories, repository).length > 0) return false;
  const major = /^(v?\d+)/.exec(version)?.[1];
  if (major === undefined) return false;
  const fixing = advisories.filter(
    ({ kind, ranges }) =>
      kind === "vulnerability" &&
      ranges.some(
        ({ introduced, fixed }) =>
          fixed !== null &&
          order(fixed, version) === 0 &&
          (introduced === "0" || order(introduced, `${major}.0.0`) <= 0),
      ),
  );
  return fixing.some(({ isReviewed }) => isReviewed) || distinct(fixing) > 1;
}

/**
 * https://github.com/ossf/malicious-packages merges what it is told: a record may name the bad versions and all others as well, and whole names that very
 * many use were flagged by mistake.
 */
function doubtOf(
  advisory: Advisory,
  version: string,
  all: readonly Advisory[],
  { order, popular }: Judged,
): Doubt | null {
  if (advisory.kind !== "malicious" || names(advisory, version, order)) return null;
  const bounded = advisory.ranges.filter(
    ({ introduced, fixed, lastAffected }) =>
      introduced !== "0" || fixed !== null || lastAffected !== null,
  );
  if (affects({ versions: [], ranges: bounded }, version, order)) return null;
  if (advisory.versions.length > 0) return "widened";
  if (!popular?.has(advisory.package) || (advisory.sources ?? 1) > 1) return null;
  return distinct(all.filter(({ kind }) => kind === "malicious")) > 1 ? null : "popular";
}

/** How many there are that are not the same under another id. */
function distinct(advisories: readonly Advisory[]): number {
  const seen = new Set<string>();
  let count = 0;
  for (const { id, aliases } of advisories) {
    if (![id, ...aliases].some((one) => seen.has(one))) count += 1;
    for (const one of [id, ...aliases]) seen.add(one);
  }
  return count;
}
