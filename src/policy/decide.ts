// The one decision about a release: allowed, held or blocked. Pure.
import type { Advisory } from "../core/advisory.ts";
import type { Release, Withholding } from "../core/policy.ts";
import { advised, isFix, wordOf } from "./advise.ts";
import { licenceFault } from "./licence.ts";
import type { CompiledRule } from "./rules.ts";
import type { CompiledWaiver } from "./waiver.ts";

/** Null: allowed. Otherwise why not. */
export type Decision = Withholding | null;

/**
 * In this order, and the first that speaks decides: an operator's block; a waiver allows; a rule that blocks, by itself, for the licence or by an advisory; a rule that allows, which ends all
 * holding; what is otherwise than in the releases before; a rule that holds by an advisory; the first rule with a minimum age. What was published before anybody looked is old enough.
 */
export function decide(
  release: Release,
  rules: readonly CompiledRule[],
  waivers: readonly CompiledWaiver[],
  now: number,
  advisories: readonly Advisory[] = [],
): Decision {
  const { version, publishedAt } = release;
  const byHand = waivers.filter(
    (waiver) =>
      (waiver.until === null || waiver.until > now) &&
      waiver.covers(release.package) &&
      waiver.holdsFor(version),
  );
  const stopped = byHand.find(({ waiver }) => waiver.isBlock);
  if (stopped) return blockedByHand(release, stopped);
  if (byHand.length > 0) return null;
  const speaking = rules.filter(
    ({ covers, holdsFor }) => covers(release.package) && holdsFor(version),
  );
  const blocking = speaking.find(({ rule }) => rule.block !== undefined);
  if (blocking) return blocked(release, blocking.rule.name, blocking.rule.block!);
  for (const { rule } of speaking) {
    const fault = rule.licence && licenceFault(release.traits?.licence, rule.licence);
    if (fault) return blocked(release, rule.name, fault);
  }
  const advice = advised(release, speaking, advisories);
  if (advice?.how === "block") return adviceOn(release, advice);
  if (speaking.some(({ rule }) => rule.allow !== undefined)) return null;
  const suspected = suspicious(release, speaking, now);
  if (suspected) return suspected;
  if (advice) return adviceOn(release, advice);
  const aging = speaking.find(({ rule }) => rule.minimumAge !== undefined);
  if (!aging || publishedAt === null) return null;
  const until = publishedAt + aging.rule.minimumAge!;
  if (aging.rule.exceptFixes && isFix(version, advisories, aging)) return null;
  return until > now
    ? held(release, aging.rule.name, `it is new (${timeOf(publishedAt)})`, until)
    : null;
}

/** The greatest age that a rule may ask of a package's releases, in milliseconds: what is older need not be looked at. 0: none asks. Null: of any package. */
export function oldestAsked(rules: readonly CompiledRule[], packageName: string | null): number {
  return rules.reduce(
    (most, { rule, covers }) =>
      packageName === null || covers(packageName)
        ? Math.max(most, rule.minimumAge ?? 0, rule.provenance ?? 0, rule.newInstallScript ?? 0)
        : most,
    0,
  );
}

/** Whether a rule asks for advisories about the package. */
export function asksAdvisories(rules: readonly CompiledRule[], packageName: string): boolean {
  return rules.some(
    ({ rule, covers }) => (rule.advisories || rule.exceptFixes) && covers(packageName),
  );
}

/** Whether a rule may withhold releases by one of these. */
export function mayAdvise(
  rules: readonly CompiledRule[],
  packageName: string,
  advisories: readonly Advisory[],
): boolean {
  return rules.some(
    ({ rule, covers }) =>
      covers(packageName) && advisories.some((one) => rule.advisories?.[wordOf(one)]),
  );
}

/** How long after its publication a release is compared with those before it, in milliseconds; 0: no rule asks for that. */
export function windowsOf(rules: readonly CompiledRule[], packageName: string) {
  const longest = (of: "provenance" | "newInstallScript") =>
    rules.reduce(
      (most, { rule, covers }) => (covers(packageName) ? Math.max(most, rule[of] ?? 0) : most),
      0,
    );
  return { provenance: longest("provenance"), scripts: longest("newInstallScript") };
}

/** Whether a rule may block releases of the package; null: of any. */
export function mayBlock(rules: readonly CompiledRule[], packageName: string | null): boolean {
  return rules.some(
    ({ rule, covers }) =>
      (rule.block !== undefined || rule.licence !== undefined) &&
      (packageName === null || covers(packageName)),
  );
}

/** Held for as long as the rule says: by then it was found out, or somebody has waived it. */
function suspicious(
  release: Release,
  speaking: readonly CompiledRule[],
  now: number,
): Withholding | null {
  const { suspicion, publishedAt } = release;
  if (!suspicion || publishedAt === null) return null;
  for (const { rule } of speaking)
    for (const [window, fault] of [
      [rule.provenance, suspicion.provenance],
      [rule.newInstallScript, suspicion.scripts],
    ] as const) {
      if (window === undefined || fault === null || publishedAt + window <= now) continue;
      return held(release, rule.name, fault, publishedAt + window);
    }
  return null;
}

const SUMMARY = 120;

function adviceOn(
  { package: name, version }: Release,
  { how, rule, advisory }: NonNullable<ReturnType<typeof advised>>,
): Withholding {
  const { id, summary, url } = advisory;
  const told = summary.replaceAll(/\s+/g, " ").trim().slice(0, SUMMARY);
  const what = `${id}, ${wordOf(advisory)}${told && `: ${told}`}${url && ` (${url})`}`;
  const verb = how === "block" ? "blocked" : "held";
  return {
    verdict: how,
    version,
    rule,
    until: null,
    advisory: id,
    message: `${name} ${version} is ${verb} by the rule ${rule}: ${what}. An administrator can waive that`,
  };
}

function held(
  { package: name, version }: Release,
  rule: string,
  why: string,
  until: number,
): Withholding {
  return {
    verdict: "hold",
    version,
    rule,
    until,
    message: `${name} ${version} is held by the rule ${rule} until ${timeOf(until)}: ${why}. An administrator can waive that`,
  };
}

function blocked({ package: name, version }: Release, rule: string, why: string): Withholding {
  return {
    verdict: "block",
    version,
    rule,
    until: null,
    message: `${name} ${version} is blocked by the rule ${rule}: ${why}. An administrator can waive that`,
  };
}

/** In place of a rule's name, where an operator blocked something by hand. */
export const BY_HAND = "operator";

function blockedByHand(
  { package: name, version }: Release,
  { until, waiver: { reason, owner } }: CompiledWaiver,
): Withholding {
  const end = until === null ? "" : ` until ${timeOf(until)}`;
  return {
    verdict: "block",
    version,
    rule: BY_HAND,
    until,
    message: `${name} ${version} is blocked by ${owner}${end}: ${reason}. An administrator can take that back`,
  };
}

/** 2026-11-26T10:00Z: to the minute. */
function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16)}Z`;
}
