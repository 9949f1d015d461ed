// Policy for one repository: the rules that can be about its packages, and the waivers as they stand now.
import type { PolicyRule, Release, Withholding } from "../core/policy.ts";
import { purl as makePurl } from "../core/purl.ts";
import { decide, mayBlock, oldestAsked } from "./decide.ts";
import { fixOf } from "./fixed.ts";
import { type CompiledRule, compileRules, type RuledRepository } from "./rules.ts";
import { type CompiledWaiver, compileWaivers } from "./waiver.ts";
import type { CurrentWaivers } from "./waivers.ts";

/** Where a package is asked for, null stands for any. */
export interface Policy {
  /** Another one after each change of waivers: what was decided before holds no more. */
  revision(): number;
  /** Whether any rule can concern the package. What none concerns costs nothing. */
  concerns(packageName: string | null): boolean;
  /** What was published longer ago needs no look; 0: no rule asks for an age. Milliseconds. */
  oldestAsked(packageName: string | null): number;
  mayBlock(packageName: string | null): boolean;
  /** Null: allowed. */
  decide(release: Release, now: number): Withholding | null;
  /** Of a package's releases, those that end a waiver which is "until fixed". */
  fixes(
    packageName: string,
    releases: readonly Release[],
    now: number,
  ): { waiver: string; version: string }[];
  /** Whether a waiver of the package waits for a fix: then all of its releases are to be looked at. */
  awaitsFix(packageName: string, now: number): boolean;
  /** When a waiver of the package ends next; null: none does. */
  nextEnd(packageName: string | null, now: number): number | null;
}

/** Throws a RangeError for a rule whose range cannot be read. */
export function createPolicy(
  rules: readonly PolicyRule[],
  repository: RuledRepository,
  waivers: CurrentWaivers,
  /** Of the page that explains a release, up to its purl; none, without it. */
  whyUrl?: () => string,
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

  function concerns(packageName: string | null): boolean {
    if (compiled.length === 0) return false;
    if (packageName === null) return true;
    let is = concerned.get(packageName);
    if (is === undefined) {
      is = compiled.some(({ covers }) => covers(packageName));
      if (concerned.size >= NAMES_IN_MEMORY) concerned.clear();
      concerned.set(packageName, is);
    }
    return is;
  }

  const awaiting = (packageName: string, now: number) =>
    waiversNow().filter(
      ({ waiver, until, covers }) =>
        waiver.untilFixed && (until === null || until > now) && covers(packageName),
    );

  return {
    awaitsFix: (packageName, now) => awaiting(packageName, now).length > 0,
    fixes(packageName, releases, now) {
      const { order } = repository;
      const isFree = (release: Release) => decide(release, compiled, [], now) === null;
      return awaiting(packageName, now).flatMap((one) => {
        const fix = order && fixOf(one, releases, isFree, order);
        return fix ? [{ waiver: one.waiver.id, version: fix.version }] : [];
      });
    },
    revision: () => waivers.revision(),
    concerns,
    oldestAsked: (packageName) => oldestAsked(compiled, packageName),
    mayBlock: (packageName) => mayBlock(compiled, packageName),
    decide(release, now) {
      const why = decide(release, compiled, waiversNow(), now);
      if (!why || whyUrl === undefined) return why;
      const purl = makePurl(repository.purlType, release.package, release.version);
      return { ...why, message: `${why.message}: ${whyUrl()}${purl}` };
    },
    nextEnd(packageName, now) {
      const ends = waiversNow().flatMap(({ until, covers }) =>
        until !== null && until > now && (packageName === null || covers(packageName))
          ? [until]
          : [],
      );
      return ends.length > 0 ? Math.min(...ends) : null;
    },
  };
}

const NAMES_IN_MEMORY = 10_000;
