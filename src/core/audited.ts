// Advisories as audits tell of them: each once, and the versions that it is about as a range in the client's own words.
import { type Advisory, affects } from "./advisory.ts";
import { createEffort, type Effort } from "./effort.ts";
import type { VersionOrder } from "./policy.ts";
import type { SentRelease } from "./reply.ts";

/** How a client writes ranges: `>=1 <2 || 3`, `>=1,<2|3`. */
export interface RangeWords {
  and: string;
  or: string;
  /** Before a single version. */
  is: string;
}

/**
 * A record of malware that names its versions may have been widened to all others when it was merged with another
 * (https://github.com/ossf/malicious-packages): the versions that it names are what it is about.
 */
export function narrowed(advisory: Advisory): Advisory {
  if (advisory.kind !== "malicious" || advisory.versions.length === 0) return advisory;
  const ranges = advisory.ranges.filter(
    ({ introduced, fixed, lastAffected }) =>
      introduced !== "0" || fixed !== null || lastAffected !== null,
  );
  return { ...advisory, ranges };
}

/** Those about any of the versions; of several that tell of the same under other ids, the one that most clients know: GitHub's. */
export async function about(
  advisories: readonly Advisory[],
  versions: readonly string[],
  order: VersionOrder | null,
  effort: Effort = createEffort(),
): Promise<Advisory[]> {
  const asked = new Set(versions);
  const own: Advisory[] = [];
  for (const advisory of advisories.filter(({ withdrawnAt }) => withdrawnAt === null)) {
    const one = narrowed(advisory);
    if (await affectsAny(one, asked, order, effort)) own.push(one);
  }
  return distinct(own);
}

async function affectsAny(
  advisory: Advisory,
  versions: ReadonlySet<string>,
  order: VersionOrder | null,
  effort: Effort,
): Promise<boolean> {
  for (const version of versions) {
    const turn = effort.spend(stepsOf(advisory));
    if (turn) await turn;
    if (affects(advisory, version, order)) return true;
  }
  return false;
}

/** Releases of a question that any of the advisories is about, by name: what stands in a lock file and should not. At most some. */
export async function lockedIn(
  found: ReadonlyMap<string, readonly Advisory[]>,
  asked: ReadonlyMap<string, readonly string[]>,
  order: VersionOrder,
  effort: Effort,
): Promise<SentRelease[]> {
  const locked: SentRelease[] = [];
  for (const [name, advisories] of found)
    for (const version of new Set(asked.get(name)))
      for (const advisory of advisories) {
        const turn = effort.spend(stepsOf(advisory));
        if (turn) await turn;
        if (!affects(advisory, version, order)) continue;
        if (locked.length === MOST_LOCKED) return locked;
        locked.push({ package: name, version });
        break;
      }
  return locked;
}

const MOST_LOCKED = 1_000;

/** How many versions are compared to see whether it is about one, at most. */
export function stepsOf({ versions, ranges }: Pick<Advisory, "versions" | "ranges">): number {
  return 1 + versions.length + 4 * ranges.length;
}

/** Each once, whatever it is called. */
export function distinct<One extends Pick<Advisory, "id" | "aliases">>(
  advisories: readonly One[],
): One[] {
  const known = new Set<string>();
  const sorted = [...advisories].sort((a, b) => rankOf(a.id) - rankOf(b.id));
  return sorted.filter(({ id, aliases }) => {
    const isKnown = [id, ...aliases].some((one) => known.has(one));
    for (const one of [id, ...aliases]) known.add(one);
    return !isKnown;
  });
}

function rankOf(id: string): number {
  return id.startsWith("GHSA-") ? 0 : id.startsWith("MAL-") ? 2 : 1;
}

/** Comparisons that finding the versions outside of the ranges may take: beyond that all are named, which says the same at more length. */
const MOST_COMPARED = 100_000;

/** Null where it is about no version that can be told: a client would take an empty range for every version. */
export function rangeText(
  { versions, ranges }: Pick<Advisory, "versions" | "ranges">,
  { and, or, is }: RangeWords,
  order: VersionOrder | null,
): string | null {
  const spans = ranges.map(({ introduced, fixed, lastAffected }) => {
    const parts = introduced === "0" ? [] : [`>=${introduced}`];
    if (fixed !== null) parts.push(`<${fixed}`);
    else if (lastAffected !== null) parts.push(`<=${lastAffected}`);
    return parts.length > 0 ? parts.join(and) : "*";
  });
  if (spans.includes("*")) return "*";
  // Feeds name each version of a range as well, of some packages by the hundred.
  const isMuch = versions.length * ranges.length > MOST_COMPARED;
  const single = isMuch
    ? versions
    : versions.filter((version) => !affects({ versions: [], ranges }, version, order));
  const texts = [...spans, ...single.map((version) => `${is}${version}`)];
  return texts.length > 0 ? [...new Set(texts)].join(or) : null;
}

/** Versions that are named as fixes. */
export function fixesOf({ ranges }: Pick<Advisory, "ranges">): string[] {
  return [...new Set(ranges.flatMap(({ fixed }) => fixed ?? []))];
}

/** GitHub's id, by which most clients name it; else its own. */
export function githubIdOf({ id, aliases }: Pick<Advisory, "id" | "aliases">): string | null {
  return [id, ...aliases].find((one) => one.startsWith("GHSA-")) ?? null;
}

/** Where people read of it. */
export function pageOf(advisory: Pick<Advisory, "id" | "aliases" | "url">): string {
  const github = githubIdOf(advisory);
  if (github) return `https://github.com/advisories/${github}`;
  return advisory.url || `https://osv.dev/vulnerability/${encodeURIComponent(advisory.id)}`;
}
