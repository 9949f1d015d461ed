// Which of the files that a Release names a mirror holds: what apt-get update may ask for, once each.
import { type IndexName, indexName, namesFiles } from "../index-names.ts";

export interface IndexPlan {
  /** Empty: all that the suite has, without the installer's ("main/debian-installer"). */
  components: readonly string[];
  /** Without "all", which is always wanted. Empty: all that the suite has. */
  architectures: readonly string[];
  sources: boolean;
}

export interface WantedIndices {
  /** By the path without its compression: the paths as the Release names them, the one that is wanted first at the front. */
  found: Map<string, string[]>;
  /** Packages and Sources that the plan asks for by name and the Release does not have, without a compression. */
  absent: string[];
}

/** apt takes the first that the Release names, and so do we. */
const COMPRESSIONS = ["xz", "bz2", "lzma", "gz", "lz4", "zst", ""];
const INSTALLER = "debian-installer";

export function wantedIndices(paths: Iterable<string>, plan: IndexPlan): WantedIndices {
  const found = new Map<string, string[]>();
  for (const path of paths) {
    const name = indexName(path);
    if (!isWanted(name, plan)) continue;
    const same = found.get(name.plain);
    if (same) same.push(path);
    else found.set(name.plain, [path]);
  }
  for (const same of found.values()) same.sort(byPreference);
  return { found, absent: byName(plan, found).filter((plain) => !found.has(plain)) };
}

/** Orders forms of the same index: the one that is wanted first at the front. */
export function byPreference(a: string, b: string): number {
  return rank(a) - rank(b);
}

function rank(path: string): number {
  return COMPRESSIONS.indexOf(indexName(path).compression);
}

function isWanted({ plain, kind, component, architecture }: IndexName, plan: IndexPlan): boolean {
  const isInstaller = /(^|\/)(debian-installer\/|Contents-udeb-)/.test(plain);
  const isOurs = isInstaller
    ? plan.components.includes(installerOf(component))
    : // What belongs to no component is a flat repository's, or the whole suite's.
      component === null || plan.components.length === 0 || plan.components.includes(component);
  if (!isOurs || kind === "diff" || kind === "other") return false;
  // Icons are for all architectures; this one, which the pattern of the layout does not split, is not.
  const of = architecture ?? /\/CID-Index-(.+)\.json$/.exec(plain)?.[1] ?? "all";
  if (of === "source" || kind === "sources") return plan.sources;
  return of === "all" || plan.architectures.length === 0 || plan.architectures.includes(of);
}

function installerOf(component: string | null): string {
  if (component === null) return INSTALLER;
  return component.endsWith(INSTALLER) ? component : `${component}/${INSTALLER}`;
}

/** What the plan asks for by its names. */
function byName(plan: IndexPlan, found: ReadonlyMap<string, unknown>): string[] {
  const isFlat = [...found.keys()].some(
    (plain) => indexName(plain).component === null && namesFiles(plain),
  );
  if (isFlat) return [];
  const plains: string[] = [];
  for (const component of plan.components) {
    for (const architecture of plan.architectures)
      plains.push(`${component}/binary-${architecture}/Packages`);
    if (plan.sources && !component.endsWith(INSTALLER)) plains.push(`${component}/source/Sources`);
  }
  return plains;
}
