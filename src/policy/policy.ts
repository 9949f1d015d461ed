// Policy for one repository: the rules that can be about its packages, and the waivers as they stand now.
import type { PolicyRule, Release, Withholding } from "../core/policy.ts";
import { type Compared, compareReleases, type Past } from "./compare.ts";
import { decide, mayBlock, oldestAsked, windowsOf } from "./decide.ts";
import { type CompiledRule, compileRules, type RuledRepository } from "./rules.ts";
import { type CompiledWaiver, compileWaivers } from "./waiver.ts";
import type { CurrentWaivers } from "./waivers.ts";

export interface Policy {
  /** Another one after each change of waivers: what was decided before holds no more. */
  revision(): number;
  /** Whether any rule can concern the package. What none concerns costs nothing. */
  concerns(packageName: string): boolean;
  /** What was published longer ago needs no look; 0: no rule asks for an age. Milliseconds. */
  oldestAsked(packageName: string): number;
  mayBlock(packageName: string): boolean;
  /** Whether a rule goes by what documents tell of a release beside its age. */
  readsTraits(packageName: string): boolean;
  /** Whether a rule wants young releases compared with those before them. */
  compares(packageName: string): boolean;
  /** `past`: all releases of the package that are known. */
  compare(packageName: string, past: readonly Past[], now: number): Compared;
  /** The first rule that wants it told when a package with a name like a popular one is asked for; null: none. */
  tellsSimilar(packageName: string): string | null;
  /** Null: allowed. */
  decide(release: Release, now: number): Withholding | null;
  /** When a waiver of the package ends next; null: none does. */
  nextEnd(packageName: string, now: number): number | null;
}

/** Throws a RangeError for a rule whose range cannot be read. */
export function createPolicy(
  rules: readonly PolicyRule[],
  repository: RuledRepository,
  waivers: CurrentWaivers,
): Policy {
  const compiled: readonly CompiledRule[] = compileRules(rules, repository);
  const concerned = new Map<string, boolean>();
  let known: { revision: number; waivers: CompiledWaiver[] } = { revision: -1, waivers: [] };

  function waiversNow(): CompiledWaiver[] {
    if (known.revision !== waivers.revision())
      known = {
        revision: waivers.revision(),
        waivers: compileWaivers(waivers.all(), repository),
      };
    return known.waivers;
  }

  function concerns(packageName: string): boolean {
    if (compiled.length === 0) return false;
    let is = concerned.get(packageName);
    if (is === undefined) {
      is = compiled.some(({ covers }) => covers(packageName));
      if (concerned.size >= NAMES_IN_MEMORY) concerned.clear();
      concerned.set(packageName, is);
    }
    return is;
  }

  return {
    revision: () => waivers.revision(),
    concerns,
    oldestAsked: (packageName) => oldestAsked(compiled, packageName),
    mayBlock: (packageName) => mayBlock(compiled, packageName),
    readsTraits: (packageName) =>
      compiled.some(({ rule, covers }) => rule.licence !== undefined && covers(packageName)),
    compares(packageName) {
      const { provenance, scripts } = windowsOf(compiled, packageName);
      return provenance > 0 || scripts > 0;
    },
    compare(packageName, past, now) {
      const waiving = waiversNow().filter(
        ({ until, covers }) => (until === null || until > now) && covers(packageName),
      );
      return compareReleases(past, {
        order: repository.order,
        windows: windowsOf(compiled, packageName),
        isWaived: (version) => waiving.some(({ holdsFor }) => holdsFor(version)),
        now,
      });
    },
    tellsSimilar: (packageName) =>
      compiled.find(({ rule, covers }) => rule.similarName && covers(packageName))?.rule.name ??
      null,
    decide: (release, now) => decide(release, compiled, waiversNow(), now),
    nextEnd(packageName, now) {
      const ends = waiversNow().flatMap(({ until, covers }) =>
        until !== null && until > now && covers(packageName) ? [until] : [],
      );
      return ends.length > 0 ? Math.min(...ends) : null;
    },
  };
}

const NAMES_IN_MEMORY = 10_000;
