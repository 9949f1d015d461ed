// The canaries are asked for in a server in small. This asks the repositories that serve: whether they go by the rules and claims of the configuration.
import type { RepositoryConfig } from "../../config/resolve.ts";
import { createClaims } from "../../core/claims.ts";
import type { AnyFormat } from "../../core/format.ts";
import type { PolicyRule } from "../../core/policy.ts";
import type { CanaryName } from "../../jobs/canaries.ts";
import { createPolicy, type Policy } from "../../policy/policy.ts";
import { compileRules, ruledRepository } from "../../policy/rules.ts";
import type { CurrentWaivers } from "../../policy/waivers.ts";

/** A repository that serves. */
export interface Serving {
  decide: Policy["decide"];
  owns(packageName: string): boolean;
}

/** What stands for `*`. */
const ANY = "holdfast-canary";
/** Where a range names none. */
const VERSION = "1.0.0";
/** Rules after which other work gets its turn. */
const TURN = 20;

/** By the canary that it turns red: what of the configuration does not count in a repository that serves, in a clause. */
export async function faultsOf(
  { name, policy, claims }: RepositoryConfig,
  format: AnyFormat,
  serving: Serving,
  { waivers, now }: { waivers: CurrentWaivers; now(): number },
): Promise<Partial<Record<CanaryName, string>>> {
  const faults: Partial<Record<CanaryName, string>> = {};
  for (const pattern of claims) {
    const own = pattern.replaceAll("*", ANY);
    const isClaimed = createClaims([pattern], format.spell)(own) !== null;
    if (isClaimed && !serving.owns(own))
      faults.private ??= `the claim ${pattern} does not count in what serves`;
  }
  const ruled = ruledRepository(name, format);
  const written = createPolicy(policy, ruled, waivers);
  for (const [at, { rule, covers }] of compileRules(policy, ruled).entries()) {
    if (at % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve));
    for (const packageName of examplesOf(rule, ruled).filter(covers))
      for (const version of versionsOf(rule)) {
        const release = { package: packageName, version, publishedAt: now() };
        const wanted = written.decide(release, now(), []);
        const found = serving.decide(release, now(), []);
        if (wanted?.verdict === found?.verdict && wanted?.rule === found?.rule) continue;
        const canary = wanted?.verdict === "hold" ? "young" : "bad";
        faults[canary] ??= `the rule ${wanted?.rule ?? rule.name} does not count in what serves`;
      }
  }
  return faults;
}

/** A name for each pattern of a rule. */
function examplesOf(
  { packages }: PolicyRule,
  { purlType, purlName = (text) => text }: ReturnType<typeof ruledRepository>,
): string[] {
  const prefix = `pkg:${purlType}/`;
  return packages
    .filter((pattern) => pattern.startsWith(prefix))
    .map((pattern) => pattern.slice(prefix.length).replaceAll("%40", "@").replaceAll("*", ANY))
    .map(purlName);
}

/** Those that its range names, and one. */
function versionsOf({ versions }: PolicyRule): string[] {
  return [VERSION, ...(versions?.match(/v?\d[\w.+~:-]*/g) ?? [])];
}
