// When a waiver that is "until fixed" has done its work: a later release is there, and nothing keeps people from it. Pure.
import type { Release, VersionOrder } from "../core/policy.ts";
import type { CompiledWaiver } from "./waiver.ts";

/**
 * The first of the releases that comes after all those that the waiver is for, and that no rule withholds by itself; null while there is none. `isFree`:
 * what the rules say where there are no waivers.
 */
export function fixOf(
  { holdsFor }: Pick<CompiledWaiver, "holdsFor">,
  releases: readonly Release[],
  isFree: (release: Release) => boolean,
  order: VersionOrder,
): Release | null {
  const sorted = releases.toSorted((a, b) => order(a.version, b.version));
  const last = sorted.findLastIndex(({ version }) => holdsFor(version));
  // What it is for is not there: nothing comes after it.
  if (last < 0) return null;
  return sorted.slice(last + 1).find(isFree) ?? null;
}
