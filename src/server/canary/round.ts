// One round: every check of every repository, one after the other, in a small server that is gone afterwards.

import type { RepositoryConfig } from "../../config/resolve.ts";
import { type Canary, canaryRoles } from "../../core/canary.ts";
import { createClaims } from "../../core/claims.ts";
import type { AnyFormat } from "../../core/format.ts";
import type { PolicyRule } from "../../core/policy.ts";
import { within } from "../../core/within.ts";
import {
  type CanaryName,
  type CanaryResult,
  type CanaryRound,
  canaryNames,
} from "../../jobs/canaries.ts";
import { compileRules, ruledRepository } from "../../policy/rules.ts";
import type { CurrentWaivers } from "../../policy/waivers.ts";
import { checks, fetchBefore } from "./checks.ts";
import { faultsOf, type Serving } from "./serving.ts";
import { type CanaryWorld, openWorld, type WorldDeps } from "./world.ts";

export interface RoundDeps extends WorldDeps {
  /** The repository of that name as it serves; null: it does not. */
  serving(repository: string): Serving | null;
  waivers: CurrentWaivers;
  /** How long one check may take. Milliseconds. */
  limitMs: number;
  signal: AbortSignal;
}

const DAY_MS = 86_400_000;
const OLD_MS = 3_650 * DAY_MS;
const AGE_MS = 30 * DAY_MS;
/** Of documents: what was asked for before the rules is asked for again after. */
const FRESH_MS = 60_000;

/** Of repositories whose format has canaries. Fewer, when it was ended by its signal. Never throws. */
export async function runRound(
  repositories: readonly RepositoryConfig[],
  deps: RoundDeps,
): Promise<Pick<CanaryRound, "results" | "failure">> {
  const results: CanaryResult[] = [];
  const made = canariesOf(deps);
  const allRed = ({ name }: RepositoryConfig, error: unknown) =>
    results.push(...canaryNames.map((canary) => redBy(name, canary, error)));
  let world: CanaryWorld;
  try {
    world = await openWorld(deps);
  } catch (error) {
    for (const settings of repositories) allRed(settings, error);
    return { results, failure: reasonOf(error) };
  }
  try {
    for (const settings of repositories) {
      if (deps.signal.aborted) break;
      const format = deps.formats.find(({ name }) => name === settings.format);
      if (!format?.canary) continue;
      try {
        results.push(...(await examine(settings, format, await made(format), world, deps)));
      } catch (error) {
        allRed(settings, error);
      }
    }
  } finally {
    await world.close().catch(() => {}); // what is left goes with the next round
  }
  return { results, failure: null };
}

/** Those of a format, made once a round. */
function canariesOf({ now }: Pick<RoundDeps, "now">) {
  const old = new Date(now() - OLD_MS);
  const young = new Date(now() - DAY_MS);
  const made = new Map<AnyFormat, Promise<Canary<unknown>>>();
  return (format: AnyFormat): Promise<Canary<unknown>> => {
    const known = made.get(format) ?? format.canary!({ old, young });
    made.set(format, known);
    return known;
  };
}

async function examine(
  settings: RepositoryConfig,
  format: AnyFormat,
  canary: Canary<unknown>,
  world: CanaryWorld,
  deps: RoundDeps,
): Promise<CanaryResult[]> {
  const { limitMs, signal } = deps;
  const { name: repository } = settings;
  const claims = [...claimsBeside(settings, format, canary), canary.packages.private.name];
  const own = (policy: PolicyRule[]) => ({ ...settings, policy, claims, freshnessMs: FRESH_MS });
  const before = world.mount(own([]), format, canary, true);
  try {
    await inTime(limitMs, fetchBefore(before, canary));
  } finally {
    await before.close();
  }
  const isTold = format.advisories !== undefined;
  if (isTold) await world.tell(format, canary.packages.flagged.name);
  world.advance(2 * FRESH_MS);
  const mount = world.mount(own(rulesOf(settings, format, canary)), format, canary, false);
  const serving = deps.serving(repository);
  const faults = serving ? await faultsOf(settings, format, serving, deps) : {};
  const unguarded = canary.unguarded?.(settings.options) ?? null;
  const results: CanaryResult[] = [];
  try {
    for (const name of canaryNames) {
      if (signal.aborted) break;
      if (name === "tampered" && unguarded !== null)
        results.push({ repository, canary: name, state: "unproven", why: unguarded });
      else if (faults[name] !== undefined) results.push(redBy(repository, name, faults[name]));
      else
        results.push(
          await inTime(limitMs, checks[name](mount, canary, isTold)).then(
            (): CanaryResult => ({ repository, canary: name, state: "green", why: null }),
            (error) => redBy(repository, name, error),
          ),
        );
    }
  } finally {
    await mount.close();
  }
  return results;
}

function redBy(repository: string, canary: CanaryName, error: unknown): CanaryResult {
  return { repository, canary, state: "red", why: reasonOf(error) };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Claims of the configuration, but those that would keep canaries out which are to come. */
function claimsBeside(
  { claims }: RepositoryConfig,
  { spell }: AnyFormat,
  canary: Canary<unknown>,
): string[] {
  return claims.filter((pattern) => {
    const claimed = createClaims([pattern], spell);
    return !namesOf(canary).some((name) => claimed(name) !== null);
  });
}

/** Those of the canaries, and those of the configuration beside which they can be told apart. */
function rulesOf(
  { name, policy }: RepositoryConfig,
  format: AnyFormat,
  canary: Canary<unknown>,
): PolicyRule[] {
  const { bad, revoked, flagged, young } = canary.packages;
  const rule = { repositories: null, versions: null };
  const names = namesOf(canary);
  const beside = compileRules(policy, ruledRepository(name, format))
    .filter(({ rule, covers }) => !mayDecide(rule) || !names.some(covers))
    .map((one) => one.rule);
  return [
    { ...rule, name: "canary-bad", packages: [bad.purl, revoked.purl], block: "it is a canary" },
    {
      ...rule,
      name: "canary-flagged",
      packages: [flagged.purl],
      advisories: { malicious: "block" },
    },
    { ...rule, name: "canary-young", packages: [young.purl], minimumAge: AGE_MS },
    ...beside,
  ];
}

/** Of what was released long ago and has no history. */
function mayDecide({ block, allow, licence, minimumAge = 0 }: PolicyRule): boolean {
  return (
    block !== undefined || allow !== undefined || licence !== undefined || minimumAge >= OLD_MS / 2
  );
}

function namesOf({ packages, others = [] }: Canary<unknown>): string[] {
  return [...canaryRoles.map((role) => packages[role].name), ...others];
}

/** What hangs is as wrong as what fails. */
function inTime<T>(limitMs: number, work: Promise<T>): Promise<T> {
  return within(limitMs, work, () => {
    throw new Error(`it did not end within ${limitMs / 1000} s`);
  });
}
