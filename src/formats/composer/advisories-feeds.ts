// Advisories of feeds in the form of Composer's security advisories, beside what the upstream tells.
// https://getcomposer.org/doc/05-repositories.md#security-advisories
import type { Advisory } from "../../core/advisory.ts";
import { distinct, githubIdOf, narrowed, pageOf, rangeText, stepsOf } from "../../core/audited.ts";
import { createEffort } from "../../core/effort.ts";
import type { Repository } from "../../core/repository.ts";
import { isObject } from "./types.ts";

/** By name. */
export type Advisories = Record<string, unknown[]>;

const WORDS = { and: ",", or: "|", is: "=" };
const SEVERITIES = { critical: "critical", high: "high", moderate: "medium", low: "low" };

/** What feeds tell of the packages that the caller may read; `since`: seconds, what was modified later. Composer itself sees which versions are concerned. */
export async function fedAdvisories(
  repository: Repository,
  names: readonly string[],
  since: string | null,
): Promise<Advisories> {
  const from = since === null ? 0 : Number(since) * 1000;
  const told = new Map<string, unknown[]>();
  const effort = createEffort();
  for (const [name, known] of await repository.advisories.aboutAll(names)) {
    const turn = effort.spend(known.reduce((sum, one) => sum + stepsOf(one), 0));
    if (turn) await turn;
    const own = distinct(known.filter(({ withdrawnAt }) => withdrawnAt === null).map(narrowed))
      .filter(({ modifiedAt }) => Date.parse(modifiedAt) >= from)
      .map(shown)
      .filter((one) => one !== null);
    if (own.length > 0) told.set(name, own);
  }
  return Object.fromEntries(told);
}

/** The upstream's as they are, and those of feeds that it does not tell under another name. */
export function merged(told: Advisories, fed: Advisories): Advisories {
  const all = new Map<string, unknown[]>(Object.entries(told));
  for (const [name, own] of Object.entries(fed)) {
    const theirs = all.get(name) ?? [];
    const known = new Set(theirs.flatMap(idsIn));
    all.set(name, [...theirs, ...own.filter((one) => !idsIn(one).some((id) => known.has(id)))]);
  }
  return Object.fromEntries(all);
}

function shown(advisory: Advisory): Record<string, unknown> | null {
  // Each version of a range is named as well.
  const versions = advisory.ranges.length > 0 ? [] : advisory.versions;
  const range = rangeText({ ...advisory, versions }, WORDS, null);
  if (range === null) return null;
  const { id, aliases, package: packageName, kind, summary, severity } = advisory;
  const word = kind === "malicious" ? "critical" : severity;
  const names = [...new Set([id, githubIdOf(advisory) ?? id])];
  return {
    advisoryId: id,
    packageName,
    affectedVersions: range,
    title: summary || id,
    cve: [id, ...aliases].find((one) => one.startsWith("CVE-")) ?? null,
    link: pageOf(advisory),
    reportedAt: advisory.publishedAt ?? advisory.modifiedAt,
    sources: names.map((remoteId) => ({ name: advisory.feed, remoteId })),
    severity: word && SEVERITIES[word],
    composerRepository: null,
  };
}

/** All names that an advisory goes by, whoever tells it. */
function idsIn(advisory: unknown): string[] {
  if (!isObject(advisory)) return [];
  const { advisoryId, cve, sources } = advisory;
  const remote = Array.isArray(sources)
    ? sources.map((one) => isObject(one) && one["remoteId"])
    : [];
  return [advisoryId, cve, ...remote].filter((one) => typeof one === "string");
}
