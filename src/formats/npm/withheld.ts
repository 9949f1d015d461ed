// What is left of a packument when policy withholds some of its versions: tags that lead elsewhere, and why the others cannot be had.
import semver from "semver";
import { blockedBy, type Withheld, type Withholding, withholdingOf } from "../../core/policy.ts";
import { isObject } from "./types.ts";

/** Told in one message at most; the others are counted. */
const TOLD = 5;

/** What npm reads of it: `npm install` names the message where only such a version would do (npm-pick-manifest). Other clients leave it alone. */
export interface PolicyRestrictions {
  message: string;
  versions: Record<string, { name: string; version: string }>;
}

/** Throws Problem("blocked"). */
export function refuseWithheld(withheld: Withheld | undefined, file: string): void {
  const why = withholdingOf(withheld, file);
  if (why) throw blockedBy(why);
}

/** `hidden`: by version, of those that the document has. Null where there is none. */
export function restrictionsOf(
  name: string,
  hidden: ReadonlyMap<string, Withholding>,
): PolicyRestrictions | null {
  if (hidden.size === 0) return null;
  const newest = [...hidden.keys()].sort((a, b) => compareVersions(b, a));
  const told = newest.slice(0, TOLD).map((version) => hidden.get(version)!.message);
  if (newest.length > TOLD) told.push(`and ${newest.length - TOLD} more versions`);
  return {
    message: told.join("\n"),
    versions: Object.fromEntries(newest.map((version) => [version, { name, version }])),
  };
}

/**
 * Where a tag leads whose version is hidden: to the highest shown one that is not above it, a prerelease only in place of a prerelease, of the same major
 * version unless the tag is `latest`, and rather one that is not deprecated. A tag for which there is none goes. `shown`: whether each is deprecated.
 */
export function repointTags(
  tags: Record<string, unknown>,
  hidden: ReadonlyMap<string, Withholding>,
  shown: ReadonlyMap<string, boolean>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tags).flatMap(([tag, target]) => {
      if (typeof target !== "string" || !hidden.has(target)) return [[tag, target]];
      const instead = inPlaceOf(target, tag === "latest", shown);
      return instead === null ? [] : [[tag, instead]];
    }),
  );
}

function inPlaceOf(
  target: string,
  isLatest: boolean,
  shown: ReadonlyMap<string, boolean>,
): string | null {
  const wanted = semver.parse(target, { loose: true });
  if (!wanted) return null;
  const isPrerelease = wanted.prerelease.length > 0;
  const candidates = [...shown.keys()].filter((version) => {
    const parsed = semver.parse(version, { loose: true });
    if (!parsed || parsed.compare(wanted) > 0) return false;
    if (parsed.prerelease.length > 0 !== isPrerelease) return false;
    return isLatest || parsed.major === wanted.major;
  });
  const [sound = null] = highestFirst(candidates.filter((version) => !shown.get(version)));
  return sound ?? highestFirst(candidates)[0] ?? null;
}

/** Without the times of what is blocked. That of a held version stays: a client that holds its lock file against its own rule asks for it. */
export function shownTimes(
  time: Record<string, unknown> | null,
  hidden: ReadonlyMap<string, Withholding>,
): Record<string, unknown> | null {
  if (!isObject(time) || hidden.size === 0) return time;
  return Object.fromEntries(
    Object.entries(time).filter(([version]) => hidden.get(version)?.verdict !== "block"),
  );
}

function highestFirst(versions: string[]): string[] {
  return versions.sort((a, b) => compareVersions(b, a));
}

/** By SemVer 2.0; "1.2" is 1.2.0. What is no version comes before all that are. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [parse(a), parse(b)];
  if (!one || !other) return Number(one !== null) - Number(other !== null);
  return one.compare(other);
}

/** The same are compared again and again, and reading one takes ten times as long as comparing it. */
const parsed = new Map<string, semver.SemVer | null>();
const PARSED = 4096;
const LONGEST = 64;

function parse(version: string): semver.SemVer | null {
  const known = parsed.get(version);
  if (known !== undefined) return known;
  const read = parseAnew(version);
  if (version.length > LONGEST) return read;
  if (parsed.size >= PARSED) parsed.clear();
  parsed.set(version, read);
  return read;
}

function parseAnew(version: string): semver.SemVer | null {
  const missing = /^\d+(\.\d+)?$/.exec(version);
  const whole = missing ? `${version}${missing[1] ? ".0" : ".0.0"}` : version;
  return semver.parse(whole, { loose: true });
}
