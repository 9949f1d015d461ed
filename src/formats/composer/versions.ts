// Reading the versions of a package: from its own document, or from one that holds many packages.
// https://getcomposer.org/doc/05-repositories.md#metadata-url-available-packages-and-available-package-patterns
import type { Fact, Skipped, Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { integrityOf, locationOf, type Place, placeOf, releaseIntegrity } from "./dist.ts";
import { expand, MINIFIED } from "./minify.ts";
import { isPackageName, spellName } from "./names.ts";
import { timeOf } from "./time.ts";
import { traitsOf } from "./traits.ts";
import { isNothing, isObject, type Version, valuesOf } from "./types.ts";

/** A version and the files that it is known by. */
export interface Release extends Place {
  data: Version;
}

/** What could be read of a list of versions, and what was left out. */
export interface Versions {
  releases: Release[];
  skipped: Skipped[];
}

/** The document of a package, or of its branches. */
export interface PackageDocument extends Versions {
  /** What stands beside the versions: security advisories, filter lists. */
  extras: Record<string, unknown>;
}

/** Takes note of what is left out, see `DocumentType.facts`. */
export type Skip = (entry: Skipped) => void;

/** Throws Problem("malformed") when it is none of this package: a login page, another package's. */
export async function readPackage(source: Source, name: string): Promise<PackageDocument> {
  const document = await source.json();
  // PHP's empty map is a list.
  if (isNothing(document)) return { releases: [], skipped: [], extras: {} };
  if (!isObject(document)) throw notA(name, "it is no JSON object");
  const { packages, minified, ...extras } = document;
  if (!isObject(packages) && !isNothing(packages) && !Array.isArray(packages))
    throw notA(name, "it has no list of packages");
  // Some hosts answer for a name of which they have advisories alone.
  if (packages === undefined && !("security-advisories" in extras) && !("filter" in extras))
    throw notA(name, "it has no list of packages");
  const own = isObject(packages) ? Object.entries(packages) : [];
  const mine = own.find(([key]) => spellName(key) === name);
  if (!mine && own.length > 0) throw notA(name, "it is about another package");
  return { ...readVersions(name, mine?.[1], minified === MINIFIED), extras };
}

/** The same for a document of Composer 1, which may hold other packages beside it. Composer goes by the name of each version there. */
export async function readProvided(source: Source, name: string): Promise<PackageDocument> {
  const document = await source.json();
  if (isNothing(document)) return { releases: [], skipped: [], extras: {} };
  if (!isObject(document) || !("packages" in document))
    throw notA(name, "it has no list of packages");
  const { packages } = document;
  const lists = isObject(packages) ? Object.entries(packages) : [];
  if (!isObject(packages) && !isNothing(packages)) throw notA(name, "it has no list of packages");
  const all = lists.flatMap(([key, versions]) => {
    const isOwn = spellName(key) === name;
    return valuesOf(versions).filter((version) => isOwn || nameIn(version) === name);
  });
  if (all.length === 0 && lists.some(([, versions]) => valuesOf(versions).length > 0))
    throw notA(name, "it is about another package");
  return { ...readVersions(name, all, false), extras: {} };
}

/** Throws Problem("malformed") where something stands in the document and nothing of it can be used: what was known is not gone. */
export function refuseUnusable(name: string, { releases, skipped }: Versions): void {
  const [first] = skipped;
  if (releases.length === 0 && first)
    throw notA(name, `nothing in it can be used (${first.what}: ${first.why})`);
}

/**
 * What stands for "packages" in a document that holds many. Before there were packages and includes, the document itself was the list.
 * composer/composer, ComposerRepository::loadIncludes
 */
export function packagesIn(document: unknown): unknown {
  if (isObject(document) && (!isNull(document["packages"]) || !isNull(document["includes"])))
    return document["packages"];
  const found = Object.entries(isObject(document) || Array.isArray(document) ? document : {});
  return Object.fromEntries(
    found.flatMap(([key, about]) => {
      const versions = isObject(about) ? about["versions"] : null;
      return isObject(versions) || Array.isArray(versions) ? [[key, versions]] : [];
    }),
  );
}

function isNull(value: unknown): boolean {
  return value === undefined || value === null;
}

/** The packages of a document that holds many, by name. What no package can be named is left out. */
export function readPackages(packages: unknown, skip: Skip = () => {}): Map<string, unknown> {
  const found = new Map<string, unknown>();
  if (!isObject(packages) && !Array.isArray(packages)) return found;
  for (const [key, versions] of Object.entries(packages)) {
    const listed = key.toLowerCase();
    // Where the list does not name them, the versions do.
    const name = isPackageName(listed) ? listed : nameIn(valuesOf(versions)[0]);
    if (name === null || !isPackageName(name))
      skip({ what: `the package ${key}`, why: "no package can be named so" });
    else if (!found.has(name)) found.set(name, versions);
  }
  return found;
}

/**
 * The packages of a document that holds many, read. Throws Problem("malformed") where it holds something, and nothing that can be used. One
 * package of which nothing can be used takes none of the others with it.
 */
export function readMany(packages: unknown, skip: Skip): Map<string, Release[]> {
  const skipped: Skipped[] = [];
  const found = new Map<string, Release[]>();
  let total = 0;
  for (const [name, list] of readPackages(packages, (entry) => skipped.push(entry))) {
    const { releases, skipped: odd } = readVersions(name, list, false);
    for (const { what, why } of odd) skipped.push({ what: `${name} ${what}`, why });
    found.set(name, releases);
    total += releases.length;
  }
  const [first] = skipped;
  if (total === 0 && first)
    throw new Problem(
      "malformed",
      `Nothing can be used of what the upstream lists (${first.what}: ${first.why})`,
    );
  for (const entry of skipped) skip(entry);
  return found;
}

/** In document order. Versions of another name, and those that Composer could not read, are left out: one of them would stop it. */
export function readVersions(name: string, versions: unknown, isMinified: boolean): Versions {
  const skipped: Skipped[] = [];
  const objects: Version[] = [];
  for (const [at, value] of valuesOf(versions).entries()) {
    if (isNothing(value)) continue; // nothing else than the one before it, in the minified form
    if (isObject(value)) objects.push(value);
    else skipped.push({ what: `entry ${at + 1}`, why: "it is no object" });
  }
  const releases = (isMinified ? expand(objects) : objects).flatMap((given, at) => {
    const data = withoutNothing(given);
    const place = placeOf(data);
    const why = faultOf(name, data, place);
    if (why === null) return [{ ...place!, data }];
    const { version } = data;
    skipped.push({ what: typeof version === "string" ? version : `entry ${at + 1}`, why });
    return [];
  });
  return { releases, skipped };
}

/** What an empty list or null stands for is not there. */
function withoutNothing(version: Version): Version {
  const empty = ["dist", "source"].filter((key) => key in version && isNothing(version[key]));
  if (empty.length === 0) return version;
  return Object.fromEntries(Object.entries(version).filter(([key]) => !empty.includes(key)));
}

/** Why Composer could not read it; null where it can. composer/composer, ArrayLoader */
function faultOf(name: string, data: Version, place: Place | null): string | null {
  const { dist, source } = data;
  if (data["name"] !== undefined && nameIn(data) !== name) return "it is one of another package";
  if (!place) return "it has no version that can be read";
  if (dist !== undefined && !place.dist) return "its dist has no type or no URL";
  const isWhole =
    source === undefined ||
    (isObject(source) && ["type", "url", "reference"].every((key) => !isNull(source[key])));
  return isWhole ? null : "its source is not told in full";
}

function nameIn(version: unknown): string | null {
  const name = isObject(version) ? version["name"] : null;
  return typeof name === "string" ? name.toLowerCase() : null;
}

/** The files of a package, each once: dists, and releases by their commit. `prefix` stands before each, in documents of many packages. */
export function factsOf(name: string, releases: readonly Release[], prefix = ""): Fact[] {
  const facts = new Map<string, Fact>();
  const add = (fact: Fact) => {
    if (!facts.has(fact.file)) facts.set(fact.file, fact);
  };
  for (const release of releases) {
    const { version, dist, file, data } = release;
    const publishedAt = timeOf(data["published-time"]);
    const madeAt = timeOf(data["time"]);
    const shared = {
      version,
      traits: traitsOf(data),
      ...(publishedAt !== null && { publishedAt }),
      ...(madeAt !== null && { madeAt }),
    };
    if (file !== null)
      add({
        ...shared,
        file: prefix + file,
        integrity: integrityOf(dist!),
        location: locationOf(name, release),
        artifact: { package: name, file },
      });
    const integrity = release.release === null ? null : releaseIntegrity(data, dist);
    if (integrity === null) continue;
    const own = release.release!;
    // Events about it name the package, also in documents of many.
    const artifact = prefix === "" ? null : { package: name, file: own };
    add({ ...shared, file: prefix + own, integrity, ...(artifact && { artifact }) });
  }
  return [...facts.values()];
}

/** What is kept of the releases that are asked for, by their files. Of a dist nothing needs to be kept. */
export function entriesOf(
  releases: readonly Release[],
  files: ReadonlySet<string>,
  prefix = "",
): Record<string, unknown> {
  const entries = new Map<string, unknown>();
  for (const { release, data } of releases) {
    const file = prefix + release;
    if (release !== null && files.has(file) && !entries.has(file)) entries.set(file, data);
  }
  return Object.fromEntries(entries);
}

function notA(name: string, why: string): Problem {
  return new Problem("malformed", `The upstream's answer for ${name} is not its document: ${why}`);
}
