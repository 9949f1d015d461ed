// Exceptions that an administrator made: one package, a version or a range, a reason, an end.
import { parseRange, type Range } from "../core/version-range.ts";
import { nameIn, type RuledRepository } from "./rules.ts";

export interface Waiver {
  id: string;
  /** Name of the repository; null for all. */
  repository: string | null;
  /** The type of its purls, and its name: a waiver is for one package. */
  purlType: string;
  package: string;
  /** An exact version, or a range. */
  versions: string;
  reason: string;
  /** Who made it. */
  owner: string;
  createdAt: number;
  /** Milliseconds since the epoch; null: until it is taken back. */
  until: number | null;
  /** It ends as well when a later release comes that no rule withholds. */
  untilFixed?: boolean;
  /** The other way round: what it covers is blocked, whatever rules and waivers say. */
  isBlock?: boolean;
}

export interface CompiledWaiver {
  waiver: Waiver;
  until: number | null;
  covers(packageName: string): boolean;
  holdsFor: Range;
}

/** Those that can be about packages of the repository. A range that cannot be read covers nothing: it was refused when it was made. */
export function compileWaivers(
  waivers: readonly Waiver[],
  repository: RuledRepository,
): CompiledWaiver[] {
  const { name, purlType, order } = repository;
  return waivers.flatMap((waiver) => {
    if (waiver.purlType !== purlType) return [];
    if (waiver.repository !== null && waiver.repository !== name) return [];
    const wanted = nameIn(repository, waiver.package).toLowerCase();
    return [
      {
        waiver,
        until: waiver.until,
        covers: (packageName: string) => nameIn(repository, packageName).toLowerCase() === wanted,
        holdsFor: parseRange(waiver.versions, order),
      },
    ];
  });
}
