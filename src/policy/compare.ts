// What of a package's young releases is otherwise than in those before them. Pure.
import type { Release, Suspicion, VersionOrder } from "../core/policy.ts";
import { originOf, type Provenance } from "../core/provenance.ts";
import type { Traits } from "../core/traits.ts";

/** One release of a package, as far as others are compared with it. */
export interface Past {
  version: string;
  /** As in `Release`. */
  publishedAt: number | null;
  traits: Traits | null;
  /** What was found out of its files, one of them after the other; empty: nobody has looked yet. */
  provenance: readonly Provenance[];
}

export interface Comparing {
  order: VersionOrder | null;
  /** How long after its publication a release is looked at for it; 0: no rule asks. Milliseconds. */
  windows: { provenance: number; scripts: number };
  /** What an administrator let through is as good as what is old. */
  isWaived(version: string): boolean;
  now: number;
}

/** What of a package's young releases is otherwise than before. */
export interface Compared {
  /** By version: those of which there is something to say. */
  suspicions: Map<string, Suspicion>;
  /** Versions of which it would be good to know who made them. */
  wanted: string[];
}

/**
 * Walks through the releases in the order of their publication. What is suspected counts for nothing when the next is looked at: two releases of
 * an attacker's do not vouch for each other. That ends with the window, or with a waiver.
 */
export function compareReleases(past: readonly Past[], comparing: Comparing): Compared {
  const { windows, now, isWaived } = comparing;
  const at = ({ publishedAt }: Past) => publishedAt ?? Number.NEGATIVE_INFINITY;
  const isYoung = (one: Past, window: number) => at(one) + window > now;
  const inOrder = [...past].sort((a, b) => at(a) - at(b));
  const longest = Math.max(windows.provenance, windows.scripts);
  const firstYoung = inOrder.findIndex((one) => isYoung(one, longest));
  const compared: Compared = { suspicions: new Map(), wanted: [] };
  if (firstYoung < 0) return compared;
  /** Those that are believed in each respect. */
  const trusted = {
    provenance: inOrder.slice(0, firstYoung),
    scripts: inOrder.slice(0, firstYoung),
  };
  const wanted = new Set<string>();

  for (const one of inOrder.slice(firstYoung)) {
    const asks = (window: number) => window > 0 && isYoung(one, window) && !isWaived(one.version);
    const provenance = asks(windows.provenance)
      ? provenanceFault(one, trusted.provenance, wanted)
      : null;
    const scripts = asks(windows.scripts)
      ? scriptFault(one, trusted.scripts, comparing.order)
      : null;
    if (provenance === null) trusted.provenance.push(one);
    if (scripts === null) trusted.scripts.push(one);
    if (provenance !== null || scripts !== null)
      compared.suspicions.set(one.version, { provenance, scripts });
  }
  compared.wanted = [...wanted];
  return compared;
}

/** The release before is the highest one below it, not the one that was published last: other lines go on as well. */
function scriptFault(
  { version, traits }: Past,
  trusted: readonly Past[],
  order: VersionOrder | null,
): string | null {
  if (!traits?.scripts || !order) return null;
  const below = trusted.filter((one) => one.traits !== null && order(one.version, version) < 0);
  if (below.length === 0) return null;
  const before = below.reduce((best, one) => (order(one.version, best.version) > 0 ? one : best));
  if (before.traits?.scripts) return null;
  return `it runs a script when it is installed, which ${before.version} did not`;
}

function provenanceFault(one: Past, trusted: readonly Past[], wanted: Set<string>): string | null {
  const attested = inLine(one, trusted).filter(hasProvenance);
  const last = attested.at(-1);
  if (!last) return null; // nothing that could be lost
  if (!hasProvenance(one)) return `it comes without provenance, which ${last.version} had`;
  const origins = new Set(attested.flatMap(({ provenance }) => verified(provenance)));
  if (origins.size === 0) {
    // What the others came from is to be known first. Where that cannot be found out there is nothing to compare with.
    if (last.provenance.length > 0) return null;
    wanted.add(last.version);
    wanted.add(one.version);
    return PENDING;
  }
  if (one.provenance.length === 0) {
    wanted.add(one.version);
    return PENDING;
  }
  const unverified = one.provenance.find(({ state }) => state !== "verified");
  if (unverified)
    return `its provenance ${unverified.state === "false" ? "is false" : "could not be verified"}: ${unverified.why ?? "it has none"}`;
  const other = verified(one.provenance).find((origin) => !origins.has(origin));
  if (other === undefined) return null;
  return `it was built from ${other}, and ${last.version} from ${[...origins].at(-1)}`;
}

function hasProvenance({ traits, provenance }: Past): boolean {
  return traits?.attested === true || verified(provenance).length > 0;
}

/** Of a release that has no provenance, whatever the rules say: the last one before it that had; null where none did. */
export function lostSince(version: string, past: readonly Past[]): string | null {
  const one = past.find((other) => other.version === version);
  if (!one || hasProvenance(one)) return null;
  const at = ({ publishedAt }: Past) => publishedAt ?? Number.NEGATIVE_INFINITY;
  const before = past.filter((other) => at(other) < at(one)).sort((a, b) => at(a) - at(b));
  return inLine(one, before).findLast(hasProvenance)?.version ?? null;
}

const PENDING = "its provenance is yet to be verified";

/** Those of the same major version, or all where it is the first of its line. */
function inLine({ version }: Past, trusted: readonly Past[]): readonly Past[] {
  const line = lineOf(version);
  const same = trusted.filter((one) => lineOf(one.version) === line);
  return same.length > 0 ? same : trusted;
}

function lineOf(version: string): string {
  return /\d+/.exec(version)?.[0] ?? "";
}

function verified(provenance: readonly Provenance[]): string[] {
  return provenance.flatMap(({ builder }) => (builder ? [originOf(builder)] : []));
}

/** The release, with what it is suspected of. */
export function suspected(release: Release, compared: Compared | null | undefined): Release {
  const suspicion = compared?.suspicions.get(release.version);
  return suspicion ? { ...release, suspicion } : release;
}
