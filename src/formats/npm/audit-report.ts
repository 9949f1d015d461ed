// The older form of an audit's answer, with what feeds tell. npm 6 and yarn 1 read it; their `actions` are what they print.
import { affects, type Advisory as Known } from "../../core/advisory.ts";
import { fixesOf, githubIdOf, pageOf, rangeText, stepsOf } from "../../core/audited.ts";
import type { Effort } from "../../core/effort.ts";
import type { Advisory } from "./advisories.ts";
import { githubIdsIn, numberOf, severityOf, titleOf } from "./audit-feeds.ts";
import type { Placed } from "./audit-paths.ts";
import { isObject } from "./types.ts";
import { compareVersions } from "./withheld.ts";

type Report = Record<string, unknown>;
const SEVERITIES = ["info", "low", "moderate", "high", "critical"] as const;
const WORDS = { and: " ", or: " || ", is: "" };

/** Adds what feeds tell of the places to what the upstream reports, or to a report without a finding. */
export async function reportWith(
  upstream: Report | null,
  places: readonly Placed[],
  fed: ReadonlyMap<string, readonly Known[]>,
  effort: Effort,
): Promise<Report> {
  const before = upstream ?? {};
  const advisories: Record<string, unknown> = isObject(before["advisories"])
    ? { ...before["advisories"] }
    : {};
  const theirs = new Set(
    Object.values(advisories)
      .filter(isObject)
      .flatMap((one) => githubIdsIn(one as Advisory).map((id) => `${one["module_name"]} ${id}`)),
  );
  const counts = countsOf(before["metadata"]);
  const actions = Array.isArray(before["actions"]) ? [...before["actions"]] : [];
  const placed = Map.groupBy(places, ({ name }) => name);
  for (const [name, known] of fed)
    for (const advisory of known) {
      if ([advisory.id, ...advisory.aliases].some((id) => theirs.has(`${name} ${id}`))) continue;
      const own: Placed[] = [];
      for (const place of placed.get(name) ?? []) {
        const turn = effort.spend(stepsOf(advisory));
        if (turn) await turn;
        if (affects(advisory, place.version, compareVersions)) own.push(place);
      }
      const range = rangeText(advisory, WORDS, compareVersions);
      if (own.length === 0 || range === null) continue;
      const id = numberOf(advisory);
      advisories[String(id)] = findingOf(advisory, range, own);
      counts[severityOf(advisory)] += own.length;
      const resolves = own.map(({ path, dev, optional }) => ({
        id,
        path,
        dev,
        optional,
        bundled: false,
      }));
      actions.push({ action: "review", module: name, resolves });
    }
  const metadata = isObject(before["metadata"]) ? before["metadata"] : sizeOf(places);
  return {
    ...before,
    actions,
    advisories,
    muted: Array.isArray(before["muted"]) ? before["muted"] : [],
    metadata: { ...metadata, vulnerabilities: counts },
  };
}

function findingOf(advisory: Known, range: string, own: readonly Placed[]): Report {
  const fixes = fixesOf(advisory);
  const patched = fixes.length > 0 ? `>=${fixes.at(-1)}` : "<0.0.0";
  const versions = [...new Set(own.map(({ version }) => version))];
  return {
    findings: versions.map((version) => ({
      version,
      paths: own.filter((place) => place.version === version).map(({ path }) => path),
    })),
    id: numberOf(advisory),
    github_advisory_id: githubIdOf(advisory),
    title: titleOf(advisory),
    module_name: advisory.package,
    severity: severityOf(advisory),
    vulnerable_versions: range,
    patched_versions: patched,
    recommendation:
      fixes.length > 0 ? `Upgrade to version ${fixes.join(" or ")} or later` : "Remove it",
    overview: advisory.details,
    url: pageOf(advisory),
    references: pageOf(advisory),
    cves: advisory.aliases.filter((one) => one.startsWith("CVE-")),
    cwe: [...advisory.cwes],
    cvss: { score: advisory.score ?? 0, vectorString: advisory.cvss },
    access: "public",
    created: advisory.publishedAt ?? advisory.modifiedAt,
    updated: advisory.modifiedAt,
  };
}

function countsOf(metadata: unknown): Record<(typeof SEVERITIES)[number], number> {
  const told = isObject(metadata) ? metadata["vulnerabilities"] : null;
  const count = (severity: string) => {
    const value = isObject(told) ? told[severity] : 0;
    return typeof value === "number" ? value : 0;
  };
  return {
    info: count("info"),
    low: count("low"),
    moderate: count("moderate"),
    high: count("high"),
    critical: count("critical"),
  };
}

function sizeOf(places: readonly Placed[]): Report {
  const dev = places.filter((place) => place.dev).length;
  const optional = places.filter((place) => place.optional).length;
  return {
    dependencies: places.length - dev - optional,
    devDependencies: dev,
    optionalDependencies: optional,
    totalDependencies: places.length,
  };
}
