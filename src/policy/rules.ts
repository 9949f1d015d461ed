// The operator's rules, as they count for one repository.
import type { Ecosystem } from "../core/advisory.ts";
import { createClaims } from "../core/claims.ts";
import type { AnyFormat, FactNames } from "../core/format.ts";
import type { PolicyRule, VersionOrder } from "../core/policy.ts";
import { parseRange, type Range } from "../core/version-range.ts";
import { type PopularNames, popularNames } from "./popular.ts";

/** What is needed to know of the repository. */
export interface RuledRepository {
  name: string;
  /** The type of its purls: "npm". */
  purlType: string;
  spell?: ((name: string) => string) | undefined;
  order: VersionOrder | null;
  factNames?: FactNames | undefined;
  purlName?: ((text: string) => string) | undefined;
  /** How feeds call its packages; null: they tell nothing of them. */
  ecosystem?: Ecosystem | null;
  popular?: PopularNames | undefined;
}

export function ruledRepository(
  name: string,
  format: Pick<
    AnyFormat,
    "purlType" | "spell" | "compareVersions" | "factNames" | "purlName" | "advisories" | "popular"
  >,
): RuledRepository {
  const { purlType = "", spell, compareVersions: order = null, advisories } = format;
  const ecosystem = advisories ? { ...advisories, spell } : null;
  const { factNames, purlName } = format;
  const popular = format.popular && popularNames(format.popular);
  return { name, purlType, spell, order, factNames, purlName, ecosystem, popular };
}

/** A package's one name, of how a purl or a rule writes it. */
export function nameIn({ spell, purlName }: RuledRepository, text: string): string {
  const name = purlName?.(text) ?? text;
  return spell?.(name) ?? name;
}

/** A rule that can be about packages of the repository. */
export interface CompiledRule {
  rule: PolicyRule;
  covers(packageName: string): boolean;
  holdsFor: Range;
  /** Of the repository. */
  order: VersionOrder | null;
  popular: PopularNames | undefined;
}

/** Those of the rules that can be about packages of the repository, in their order. Throws a RangeError for a range that cannot be read. */
export function compileRules(
  rules: readonly PolicyRule[],
  { name, purlType, spell, order, purlName, popular }: RuledRepository,
): CompiledRule[] {
  return rules.flatMap((rule) => {
    if (rule.repositories && !rule.repositories.includes(name)) return [];
    const patterns = rule.packages.flatMap((pattern) => namePattern(pattern, purlType, purlName));
    if (patterns.length === 0) return [];
    const claims = createClaims(patterns, spell);
    return [
      {
        rule,
        covers: (packageName: string) => claims(packageName) !== null,
        holdsFor: parseRange(rule.versions ?? "*", order),
        order,
        popular,
      },
    ];
  });
}

/** `pkg:npm/@acme/*` → `@acme/*`, for npm. */
function namePattern(
  pattern: string,
  purlType: string,
  purlName: RuledRepository["purlName"] = (text) => text,
): string[] {
  const prefix = `pkg:${purlType}/`;
  if (!pattern.startsWith(prefix)) return [];
  return [purlName(pattern.slice(prefix.length).replaceAll("%40", "@"))];
}
