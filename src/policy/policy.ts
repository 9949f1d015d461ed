// Policy for one repository: the rules that can be about its packages, and the waivers as they stand now.
import type { Advisory } from "../core/advisory.ts";
import type { PolicyRule, Release, Withholding } from "../core/policy.ts";
import { purl as makePurl } from "../core/purl.ts";
import { type Compared, compareReleases, type Past } from "./compare.ts";
import { asksAdvisories, decide, mayAdvise, mayBlock, oldestAsked, windowsOf } from "./decide.ts";
import { fixOf } from "./fixed.ts";
import { type CompiledRule, compileRules, type RuledRepository } from "./rules.ts";
import { type CompiledWaiver, compileWaivers } from "./waiver.ts";
import type { CurrentWaivers } from "./waivers.ts";

/** What feeds tell, as far as it is asked here. */
export interface AskedAdvisories {
  about(type: string, name: string): Promise<readonly Advisory[]>;
  /** When that is in memory. */
  recall(type: string, name: string): readonly Advisory[] | undefined;
  /** Another one when what is known of the package may be something else. */
  revision(type: string, name: string | null): number;
}

export interface PolicyEnvironment {
  feeds?: AskedAdvisories | null;
  /** Of the page that explains a release, up to its purl; none, without it. */
  whyUrl?: () => string;
}

/** Where a package is asked for, null stands for any. */
export interface Policy {
  /** Another one after each change of waivers, and of what feeds tell of the package where a rule asks for it: what was decided before holds no more. */
  revision(packageName: string | null): number;
  /** Whether any rule can concern the package. What none concerns costs nothing. */
  concerns(packageName: string | null): boolean;
  /** What was published longer ago needs no look; 0: no rule asks for an age. Milliseconds. */
  oldestAsked(packageName: string | null): number;
  /** Whether stored bytes may be refused: a rule may block, or an advisory by one. */
  mayBlock(packageName: string | null): boolean;
  /** What feeds tell of the package, where a rule asks for that: to be given to `decide`. */
  advisories(packageName: string): readonly Advisory[] | Promise<readonly Advisory[]>;
  /** Whether a rule goes by what documents tell of a release beside its age. */
  readsTraits(packageName: string): boolean;
  /** Whether a rule wants young releases compared with those before them. */
  compares(packageName: string): boolean;
  /** `past`: all releases of the package that are known. */
  compare(packageName: string, past: readonly Past[], now: number): Compared;
  /** The first rule that wants it told when a package with a name like a popular one is asked for; null: none. */
  tellsSimilar(packageName: string): string | null;
  /** Null: allowed. */
  decide(release: Release, now: number, advisories: readonly Advisory[]): Withholding | null;
  /** Of a package's releases, those that end a waiver which is "until fixed". */
  fixes(
    packageName: string,
    releases: readonly Release[],
    now: number,
    advisories: readonly Advisory[],
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
  { feeds = null, whyUrl }: PolicyEnvironment = {},
): Policy {
  const { purlType } = repository;
  const compiled: readonly CompiledRule[] = compileRules(rules, repository);
  const concerned = new Map<string, boolean>();
  let known: { revision: number; all: CompiledWaiver[]; blocks: CompiledWaiver[] } = {
    revision: -1,
    all: [],
    blocks: [],
  };

  function byHand(): typeof known {
    if (known.revision === waivers.revision()) return known;
    const all = compileWaivers(waivers.all(), repository);
    const blocks = all.filter(({ waiver }) => waiver.isBlock);
    known = { revision: waivers.revision(), all, blocks };
    return known;
  }
  const waiversNow = () => byHand().all;

  const isBlocked = (packageName: string | null) =>
    byHand().blocks.some(({ covers }) => packageName === null || covers(packageName));

  function concerns(packageName: string | null): boolean {
    if (isBlocked(packageName)) return true;
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
        waiver.untilFixed &&
        !waiver.isBlock &&
        (until === null || until > now) &&
        covers(packageName),
    );

  const isAsking =
    feeds !== null && compiled.some(({ rule }) => rule.advisories || rule.exceptFixes);
  const asks = (packageName: string) => isAsking && asksAdvisories(compiled, packageName);

  return {
    awaitsFix: (packageName, now) => awaiting(packageName, now).length > 0,
    fixes(packageName, releases, now, advisories) {
      const { order } = repository;
      const { blocks } = byHand();
      const isFree = (release: Release) =>
        decide(release, compiled, blocks, now, advisories) === null;
      return awaiting(packageName, now).flatMap((one) => {
        const fix = order && fixOf(one, releases, isFree, order);
        return fix ? [{ waiver: one.waiver.id, version: fix.version }] : [];
      });
    },
    // Both only rise.
    revision: (packageName) =>
      waivers.revision() + (feeds && isAsking ? feeds.revision(purlType, packageName) : 0),
    concerns,
    oldestAsked: (packageName) => oldestAsked(compiled, packageName),
    mayBlock(packageName) {
      if (isBlocked(packageName) || mayBlock(compiled, packageName)) return true;
      if (packageName === null) return isAsking;
      if (!asks(packageName)) return false;
      const told = feeds!.recall(purlType, packageName);
      return told === undefined || mayAdvise(compiled, packageName, told);
    },
    advisories(packageName) {
      if (!asks(packageName)) return [];
      const told = () =>
        feeds!.recall(purlType, packageName) ?? feeds!.about(purlType, packageName);
      // Who decides by what is told needs them, and cannot wait then.
      const loading = repository.popular?.load();
      return loading ? loading.then(told) : told();
    },
    readsTraits: (packageName) =>
      compiled.some(({ rule, covers }) => rule.licence !== undefined && covers(packageName)),
    compares(packageName) {
      const { provenance, scripts } = windowsOf(compiled, packageName);
      return provenance > 0 || scripts > 0;
    },
    compare(packageName, past, now) {
      const waiving = waiversNow().filter(
        ({ until, covers, waiver }) =>
          !waiver.isBlock && (until === null || until > now) && covers(packageName),
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
    decide(release, now, advisories) {
      const why = decide(release, compiled, waiversNow(), now, advisories);
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
