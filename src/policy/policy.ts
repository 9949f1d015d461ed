// Policy for one repository: the rules that can be about its packages, and the waivers as they stand now.
import type { Advisory } from "../core/advisory.ts";
import type { PolicyRule, Release, Withholding } from "../core/policy.ts";
import { asksAdvisories, decide, mayAdvise, mayBlock, oldestAsked } from "./decide.ts";
import { type CompiledRule, compileRules, type RuledRepository } from "./rules.ts";
import { type CompiledWaiver, compileWaivers } from "./waiver.ts";
import type { CurrentWaivers } from "./waivers.ts";

/** What feeds tell, as far as it is asked here. */
export interface AskedAdvisories {
  about(type: string, name: string): Promise<readonly Advisory[]>;
  /** When that is in memory. */
  recall(type: string, name: string): readonly Advisory[] | undefined;
  /** Another one when what is known of the package may be something else. */
  revision(type: string, name: string): number;
}

export interface Policy {
  /** Another one after each change of waivers, and of what feeds tell of the package where a rule asks for it: what was decided before holds no more. */
  revision(packageName: string): number;
  /** Whether any rule can concern the package. What none concerns costs nothing. */
  concerns(packageName: string): boolean;
  /** What was published longer ago needs no look; 0: no rule asks for an age. Milliseconds. */
  oldestAsked(packageName: string): number;
  /** Whether stored bytes may be refused: a rule may block, or an advisory by one. */
  mayBlock(packageName: string): boolean;
  /** What feeds tell of the package, where a rule asks for that: to be given to `decide`. */
  advisories(packageName: string): readonly Advisory[] | Promise<readonly Advisory[]>;
  /** Null: allowed. */
  decide(release: Release, now: number, advisories: readonly Advisory[]): Withholding | null;
  /** When a waiver of the package ends next; null: none does. */
  nextEnd(packageName: string, now: number): number | null;
}

/** Throws a RangeError for a rule whose range cannot be read. */
export function createPolicy(
  rules: readonly PolicyRule[],
  repository: RuledRepository,
  waivers: CurrentWaivers,
  feeds: AskedAdvisories | null = null,
): Policy {
  const { purlType } = repository;
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

  const isAsking = compiled.some(({ rule }) => rule.advisories || rule.exceptFixes);
  const asks = (packageName: string) =>
    feeds !== null && isAsking && asksAdvisories(compiled, packageName);

  return {
    // Both only rise.
    revision: (packageName) =>
      waivers.revision() + (feeds && isAsking ? feeds.revision(purlType, packageName) : 0),
    concerns,
    oldestAsked: (packageName) => oldestAsked(compiled, packageName),
    mayBlock(packageName) {
      if (mayBlock(compiled, packageName)) return true;
      if (!asks(packageName)) return false;
      const told = feeds!.recall(purlType, packageName);
      return told === undefined || mayAdvise(compiled, packageName, told);
    },
    advisories: (packageName) =>
      asks(packageName)
        ? (feeds!.recall(purlType, packageName) ?? feeds!.about(purlType, packageName))
        : [],
    decide: (release, now, advisories) => decide(release, compiled, waiversNow(), now, advisories),
    nextEnd(packageName, now) {
      const ends = waiversNow().flatMap(({ until, covers }) =>
        until !== null && until > now && covers(packageName) ? [until] : [],
      );
      return ends.length > 0 ? Math.min(...ends) : null;
    },
  };
}

const NAMES_IN_MEMORY = 10_000;
