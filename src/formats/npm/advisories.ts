// The last known advisories of each package, so that audits work while the upstream is away.
import semver from "semver";
import { encodeJson, parseJson } from "../../core/answers.ts";
import type { Repository } from "../../core/repository.ts";
import { isObject } from "./types.ts";

export type Advisory = Record<string, unknown>;

/** What is kept of one package. The upstream answers for the versions it is asked about, so both belong together. */
interface Known {
  versions: string[];
  advisories: Advisory[];
}

export interface KeptAdvisories {
  advisories: Map<string, Advisory[]>;
  /** How many packages were not asked for before, or not in these versions. */
  unknown: number;
  /** When the oldest part of this was confirmed. */
  oldest: number;
}

const VERSIONS_LIMIT = 500;
/** How many values are read or written at once. */
const BATCH = 50;
/** A value that says nothing new is written again after this, to show that it is still true. */
const CONFIRM_AFTER = 24 * 60 * 60 * 1000;

/** Keeps what the upstream told about the versions that were asked for. */
export async function keepAdvisories(
  repository: Repository,
  asked: Map<string, string[]>,
  told: Map<string, Advisory[]>,
): Promise<void> {
  await inBatches([...asked], async ([name, versions]) => {
    const kept = await repository.kept(keyOf(name));
    const before = kept ? readKnown(kept.bytes) : null;
    const bytes = encodeJson(merge(before, versions, told.get(name) ?? []));
    const recent = kept && repository.now() - kept.at < CONFIRM_AFTER;
    if (recent && Buffer.compare(bytes, kept.bytes) === 0) return;
    await repository.keep(keyOf(name), bytes, { evictable: true });
  });
}

/** The last known advisories for these versions, or null when none of the packages was ever asked for. */
export async function keptAdvisories(
  repository: Repository,
  asked: Map<string, string[]>,
): Promise<KeptAdvisories | null> {
  const found: KeptAdvisories = { advisories: new Map(), unknown: 0, oldest: Infinity };
  await inBatches([...asked], async ([name, versions]) => {
    const kept = await repository.kept(keyOf(name));
    const known = kept ? readKnown(kept.bytes) : null;
    if (!known?.versions.length || versions.some((version) => !known.versions.includes(version)))
      found.unknown++;
    if (!kept || !known) return;
    found.oldest = Math.min(found.oldest, kept.at);
    const own = known.advisories.filter((advisory) => concerns(advisory, versions));
    found.advisories.set(name, own);
  });
  return found.advisories.size ? found : null;
}

/** What was told now holds for the versions asked about now; of the rest, what was known stays. */
function merge(before: Known | null, versions: string[], told: Advisory[]): Known {
  const others = (before?.advisories ?? []).filter((advisory) => !concerns(advisory, versions));
  const ids = new Set(told.map((advisory) => advisory["id"]));
  return {
    versions: [...new Set([...versions, ...(before?.versions ?? [])])]
      .slice(0, VERSIONS_LIMIT)
      .sort(),
    advisories: [...told, ...others.filter((advisory) => !ids.has(advisory["id"]))],
  };
}

function concerns(advisory: Advisory, versions: string[]): boolean {
  const range = advisory["vulnerable_versions"];
  if (typeof range !== "string") return true;
  return versions.some((version) =>
    semver.satisfies(version, range, { includePrerelease: true, loose: true }),
  );
}

function readKnown(bytes: Uint8Array): Known | null {
  const value = parseJson(bytes);
  if (!isObject(value)) return null;
  const { versions, advisories } = value;
  if (!Array.isArray(versions) || !Array.isArray(advisories)) return null;
  return { versions, advisories };
}

function keyOf(name: string): string {
  return `advisory/${name}`;
}

async function inBatches<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH)
    await Promise.all(items.slice(at, at + BATCH).map(work));
}
