// Advisories of feeds in the form of the public npm registry's bulk audit, beside what the upstream tells.
import { createHash } from "node:crypto";
import type { Advisory as Known, ToldState } from "../../core/advisory.ts";
import { about, githubIdOf, pageOf, rangeText } from "../../core/audited.ts";
import { createEffort } from "../../core/effort.ts";
import type { Repository } from "../../core/repository.ts";
import type { Advisory } from "./advisories.ts";
import { compareVersions } from "./withheld.ts";

const WORDS = { and: " ", or: " || ", is: "" };

/** What feeds tell about the versions, by name: of packages that the caller may read. */
export async function fedAdvisories(
  repository: Repository,
  asked: ReadonlyMap<string, readonly string[]>,
  effort = createEffort(),
): Promise<Map<string, Known[]>> {
  const known = await repository.advisories.aboutAll([...asked.keys()]);
  const found = new Map<string, Known[]>();
  for (const [name, advisories] of known) {
    const own = await about(advisories, asked.get(name) ?? [], compareVersions, effort);
    if (own.length > 0) found.set(name, own);
  }
  return found;
}

/** The upstream's as they are, and those of feeds that it does not tell under another name. */
export function merged(
  told: ReadonlyMap<string, readonly Advisory[]>,
  fed: ReadonlyMap<string, readonly Known[]>,
): Map<string, Advisory[]> {
  const all = new Map<string, Advisory[]>();
  for (const [name, list] of told) all.set(name, [...list]);
  for (const [name, known] of fed) {
    const before: readonly Advisory[] = told.get(name) ?? [];
    const theirs = new Set(before.flatMap(githubIdsIn));
    const added = known.filter(
      ({ id, aliases }) => ![id, ...aliases].some((one) => theirs.has(one)),
    );
    const list: Advisory[] = [...before, ...added.map(bulkOf).filter((one) => one !== null)];
    if (list.length > 0) all.set(name, list);
  }
  return all;
}

/** As audits of npm, pnpm, yarn and bun read it. Null where no version can be told. */
function bulkOf(advisory: Known): Advisory | null {
  const range = rangeText(advisory, WORDS, compareVersions);
  if (range === null) return null;
  return {
    id: numberOf(advisory),
    url: pageOf(advisory),
    title: titleOf(advisory),
    severity: severityOf(advisory),
    vulnerable_versions: range,
    cwe: [...advisory.cwes],
    cvss: { score: advisory.score ?? 0, vectorString: advisory.cvss },
  };
}

export function titleOf({ summary, id, kind }: Known): string {
  const title = summary || id;
  return kind === "malicious" && !/malware|malicious/i.test(title) ? `Malware: ${title}` : title;
}

/** npm takes what has none for high, and pnpm refuses the whole audit. */
export function severityOf({ severity, kind }: Known): NonNullable<Known["severity"]> {
  return kind === "malicious" ? "critical" : (severity ?? "high");
}

/** pnpm wants a number. The same one wherever it is worked out, and exact in JavaScript. */
export function numberOf(advisory: Pick<Known, "id" | "aliases">): number {
  const name = githubIdOf(advisory) ?? advisory.id;
  return createHash("sha256").update(name).digest().readUIntBE(0, 6);
}

/** GitHub's ids in what an upstream tells: in its address. */
export function githubIdsIn(told: Advisory): string[] {
  const { url, github_advisory_id: id } = told;
  return [url, id].flatMap((text) =>
    typeof text === "string" ? (text.match(/GHSA(?:-[0-9a-z]{4}){3}/) ?? []) : [],
  );
}

/** What is said of how old it is: "advisories of feeds as of 2026-11-20". */
export function ageOf({ readAt, failing }: ToldState): string {
  const those = failing.length > 0 ? ` (${failing.join(", ")} could not be read)` : "";
  return `advisories of feeds as of ${readAt.slice(0, 10)}${those}`;
}
