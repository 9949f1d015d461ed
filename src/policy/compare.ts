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
  const { windows, now, isWaived, order } = comparing;
  const isYoung = (one: Past, window: number) => timeOf(one) + window > now;
  const inOrder = [...past].sort(byTime);
  const longest = Math.max(windows.provenance, windows.scripts);
  const firstYoung = inOrder.findIndex((one) => isYoung(one, longest));
  const compared: Compared = { suspicions: new Map(), wanted: [] };
  if (firstYoung < 0) return compared;
  const old = inOrder.slice(0, firstYoung);
  const trusted = createTrusted(old);
  const scripted = createScripted(old, order);
  const wanted = new Set<string>();

  for (const one of inOrder.slice(firstYoung)) {
    const asks = (window: number) => window > 0 && isYoung(one, window) && !isWaived(one.version);
    const provenance = asks(windows.provenance)
      ? provenanceFault(one, trusted.of(one.version), wanted)
      : null;
    const scripts = asks(windows.scripts) ? scripted.fault(one) : null;
    if (provenance === null) trusted.add(one);
    if (scripts === null) scripted.add(one);
    if (provenance !== null || scripts !== null)
      compared.suspicions.set(one.version, { provenance, scripts });
  }
  compared.wanted = [...wanted];
  return compared;
}

const timeOf = ({ publishedAt }: Past) => publishedAt ?? Number.NEGATIVE_INFINITY;
const byTime = (a: Past, b: Past) => timeOf(a) - timeOf(b) || 0;

/** Releases that are believed not to have begun with scripts just now. */
function createScripted(old: readonly Past[], order: VersionOrder | null) {
  /** By version; sorted when the first asks, since few do. */
  let sorted: Past[] | null = null;
  const later: Past[] = [];
  const isWithout = ({ traits }: Past) => traits !== null && !traits.scripts;
  /** A package that always had scripts needs no comparing, and most have them always or never. */
  let isAnyWithout = old.some(isWithout);

  /** The release before is the highest one below it, not the one that was published last: other lines go on as well. */
  function before(version: string): Past | undefined {
    sorted ??= old
      .filter(({ traits }) => traits !== null)
      .sort((a, b) => order!(a.version, b.version));
    let [from, to] = [0, sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (order!(sorted[middle]!.version, version) < 0) from = middle + 1;
      else to = middle;
    }
    const below = later.filter((one) => order!(one.version, version) < 0);
    return [...sorted.slice(Math.max(0, from - 1), from), ...below].reduce<Past | undefined>(
      (best, one) => (best && order!(best.version, one.version) >= 0 ? best : one),
      undefined,
    );
  }

  return {
    add(one: Past) {
      if (one.traits !== null) later.push(one);
      isAnyWithout ||= isWithout(one);
    },
    fault({ version, traits }: Past): string | null {
      if (!traits?.scripts || !isAnyWithout || !order) return null;
      const last = before(version);
      if (!last || last.traits?.scripts) return null;
      return `it runs a script when it is installed, which ${last.version} did not`;
    },
  };
}

/** What the believed releases of a line have in common. */
interface Line {
  /** The last one with provenance. */
  last: Past | null;
  /** Where those with verified provenance were built, each with the last version of there; the last of all at the end. */
  origins: Map<string, string>;
}

/** Releases whose provenance is believed: by major version, and all. */
function createTrusted(old: readonly Past[]) {
  const lines = new Map<string, Line>();
  const all: Line = { last: null, origins: new Map() };

  function add(one: Past): void {
    const name = lineOf(one.version);
    const line = lines.get(name) ?? { last: null, origins: new Map() };
    lines.set(name, line);
    if (!hasProvenance(one)) return;
    const origins = verified(one.provenance);
    for (const some of [line, all]) {
      some.last = one;
      for (const origin of origins) {
        some.origins.delete(origin);
        some.origins.set(origin, one.version);
      }
    }
  }
  for (const one of old) add(one);

  return {
    add,
    /** Of the same major version, or all where it is the first of its line. */
    of: (version: string): Line => lines.get(lineOf(version)) ?? all,
  };
}

function provenanceFault(one: Past, { last, origins }: Line, wanted: Set<string>): string | null {
  if (!last) return null; // nothing that could be lost
  if (!hasProvenance(one)) return `it comes without provenance, which ${last.version} had`;
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
  const [origin, version] = [...origins].at(-1)!;
  return `it was built from ${other}, and ${version} from ${origin}`;
}

const PENDING = "its provenance is yet to be verified";

function hasProvenance({ traits, provenance }: Past): boolean {
  return traits?.attested === true || verified(provenance).length > 0;
}

/** Of a release that has no provenance, whatever the rules say: the last one before it that had; null where none did. */
export function lostSince(version: string, past: readonly Past[]): string | null {
  const one = past.find((other) => other.version === version);
  if (!one || hasProvenance(one)) return null;
  const before = past.filter((other) => timeOf(other) < timeOf(one)).sort(byTime);
  return createTrusted(before).of(version).last?.version ?? null;
}

function lineOf(version: string): string {
  return /\d+/.exec(version)?.[0] ?? "";
}

function verified(provenance: readonly Provenance[]): string[] {
  return provenance.flatMap(({ builder }) => (builder ? [originOf(builder)] : []));
}

/** The release, with what it is suspected of. */
export function suspected<T extends Release>(release: T, compared: Compared | null | undefined): T {
  const suspicion = compared?.suspicions.get(release.version);
  return suspicion ? { ...release, suspicion } : release;
}
