// Reading the versions of a package: from its own document, or from one that holds many packages.
// https://getcomposer.org/doc/05-repositories.md#metadata-url-available-packages-and-available-package-patterns
import type { Fact, Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { integrityOf, locationOf, type Place, placeOf, releaseIntegrity } from "./dist.ts";
import { expand, MINIFIED } from "./minify.ts";
import { isPackageName, spellName } from "./names.ts";
import { isObject, type Version } from "./types.ts";

/** A version and the files that it is known by. */
export interface Release extends Place {
  data: Version;
}

/** The document of a package, or of its branches. */
export interface PackageDocument {
  releases: Release[];
  /** What stands beside the versions: security advisories, filter lists. */
  extras: Record<string, unknown>;
}

/** Throws Problem("malformed") when it is none of this package: a login page, another package's. */
export async function readPackage(source: Source, name: string): Promise<PackageDocument> {
  const document = await source.json();
  if (!isObject(document)) throw notA(name, "it is no JSON object");
  const { packages, minified, ...extras } = document;
  if (!isObject(packages) && !Array.isArray(packages))
    throw notA(name, "it has no list of packages");
  const own = isObject(packages) ? Object.entries(packages) : [];
  const mine = own.find(([key]) => spellName(key) === name);
  if (!mine && own.length > 0) throw notA(name, "it is about another package");
  return { releases: releasesOf(name, mine?.[1], minified === MINIFIED), extras };
}

/** The packages of a document that holds many, by name. What no package can be named is left out. */
export function readPackages(packages: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>();
  if (!isObject(packages)) return found;
  for (const [key, versions] of Object.entries(packages)) {
    const name = key.toLowerCase();
    if (isPackageName(name) && !found.has(name)) found.set(name, versions);
  }
  return found;
}

/** In document order. Versions of another name, and those that Composer could not read, are left out: one of them would stop it. */
export function releasesOf(name: string, versions: unknown, isMinified: boolean): Release[] {
  const list = Array.isArray(versions)
    ? versions
    : isObject(versions)
      ? Object.values(versions)
      : [];
  const objects = list.filter(isObject);
  return (isMinified ? expand(objects) : objects).flatMap((data) => {
    const place = placeOf(data);
    const own = data["name"];
    const isOwn = own === undefined || (typeof own === "string" && own.toLowerCase() === name);
    return place && isOwn ? [{ ...place, data }] : [];
  });
}

/** The files of a package, each once: dists, and releases by their commit. `prefix` stands before each, in documents of many packages. */
export function factsOf(name: string, releases: readonly Release[], prefix = ""): Fact[] {
  const facts = new Map<string, Fact>();
  const add = (fact: Fact) => {
    if (!facts.has(fact.file)) facts.set(fact.file, fact);
  };
  for (const release of releases) {
    const { version, dist, file } = release;
    if (file !== null)
      add({
        file: prefix + file,
        version,
        integrity: integrityOf(dist!),
        location: locationOf(name, release),
        artifact: { package: name, file },
        ...(typeof release.data["time"] === "string" && { publishedAt: release.data["time"] }),
      });
    const integrity = release.release === null ? null : releaseIntegrity(release.data, dist);
    if (integrity === null) continue;
    const own = release.release!;
    // Events about it name the package, also in documents of many.
    const artifact = prefix === "" ? null : { package: name, file: own };
    add({ file: prefix + own, version, integrity, ...(artifact && { artifact }) });
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
