// The upstream's packages.json: which of the protocol's forms it speaks, and where it has what.
// https://getcomposer.org/doc/05-repositories.md#composer; composer/composer, ComposerRepository::loadRootServerFile
import { Problem } from "../../core/problem.ts";
import { wildcard } from "../../core/wildcard.ts";
import { isObject } from "./types.ts";
import { readPackages } from "./versions.ts";

export interface Root {
  /** With %package%; null for a repository whose packages all stand in it and its includes. */
  metadataUrl: string | null;
  /** The packages that stand in it. */
  inline: ReadonlySet<string>;
  includes: Include[];
  /** What the upstream says that it has; null when it does not say. */
  available: Available | null;
  /** Where dists are to be asked for before their own URL, and after it. */
  mirrors: { preferred: string[]; others: string[] };
  /** With %query% and %type%. */
  search: string | null;
  list: string | null;
  /** With %package%. */
  providers: string | null;
  advisories: { metadata: boolean; apiUrl: string | null } | null;
  filter: Filter | null;
  /** What the upstream wants people to read. */
  notices: Record<string, unknown>;
}

export interface Include {
  /** The path without the digest in it: the same file after it changed. */
  key: string;
  path: string;
  sha1: string | null;
  sha256: string | null;
}

export interface Available {
  packages: string[];
  patterns: string[];
  has(name: string): boolean;
}

/** Lists of releases to keep away from, Composer 2.10. */
export interface Filter {
  /** Everything but the URLs. */
  fields: Record<string, unknown>;
  summaryUrl: string | null;
  apiUrl: string | null;
}

const NOTICES = ["warning", "warning-versions", "info", "info-versions", "warnings", "infos"];
const DIGEST = /(?<![0-9a-f])([0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])/;

/** Throws Problem("malformed") for what is none, and for repositories that only Composer 1 can read. */
export function readRoot(document: unknown): Root {
  if (!isObject(document)) throw notA("it is no JSON object");
  const metadataUrl = text(document["metadata-url"]);
  if (metadataUrl !== null && !metadataUrl.includes("%package%"))
    throw notA("its metadata-url does not say where the package's name belongs");
  const inline = new Set(readPackages(document["packages"]).keys());
  const includes = metadataUrl === null ? readIncludes(document["includes"]) : [];
  if (metadataUrl === null) refuseOldForms(document, inline.size + includes.length === 0);
  const notices = Object.fromEntries(
    NOTICES.filter((key) => key in document).map((key) => [key, document[key]]),
  );
  const filter = readFilter(document["filter"]);
  refuseDeep({ notices, filter });
  return {
    metadataUrl,
    inline,
    includes,
    available: metadataUrl === null ? null : readAvailable(document),
    mirrors: readMirrors(document["mirrors"]),
    search: text(document["search"]),
    list: text(document["list"]),
    providers: text(document["providers-api"]),
    advisories: readAdvisories(document["security-advisories"]),
    filter,
    notices,
  };
}

/** What is passed on is written again, which has a limit of depth that reading has not. */
function refuseDeep(value: unknown): void {
  try {
    JSON.stringify(value);
  } catch {
    throw notA("it is nested too deeply");
  }
}

function refuseOldForms(document: Record<string, unknown>, isEmpty: boolean): void {
  const old = ["providers-lazy-url", "providers-url", "provider-includes", "providers"].find(
    (key) => key in document,
  );
  if (old !== undefined && isEmpty)
    throw new Problem(
      "malformed",
      `The upstream's packages.json speaks only the form of Composer 1 (${old}): metadata-url, packages or includes are needed`,
    );
  if (!isObject(document["packages"]) && !Array.isArray(document["packages"]) && isEmpty)
    throw notA("it has neither metadata-url nor packages nor includes");
}

function readIncludes(includes: unknown): Include[] {
  if (!isObject(includes)) return [];
  return Object.entries(includes).map(([path, about]) => {
    // A path below the upstream's URL, as Composer takes it.
    if (/^[a-z]+:|^\/|\\|%2e|(^|\/)\.\.?(\/|$)/i.test(path))
      throw notA("it includes a file from elsewhere");
    const digest = (name: string) => {
      const value = isObject(about) ? text(about[name]) : null;
      return value !== null && /^[0-9a-f]+$/i.test(value) ? value.toLowerCase() : null;
    };
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    return {
      key: path.replace(DIGEST, ""),
      path: encoded,
      sha1: digest("sha1"),
      sha256: digest("sha256"),
    };
  });
}

function readAvailable(document: Record<string, unknown>): Available | null {
  const packages = texts(document["available-packages"]).map((name) => name.toLowerCase());
  const patterns = texts(document["available-package-patterns"]);
  if (packages.length + patterns.length === 0) return null;
  const names = new Set(packages);
  const globs = patterns.map(globOf);
  return {
    packages,
    patterns,
    has: (name) => names.has(name) || globs.some((matches) => matches(name)),
  };
}

/** As Composer reads it, whatever the case. BasePackage::packageNameToRegexp */
export function globOf(pattern: string): (name: string) => boolean {
  const matches = wildcard(pattern.toLowerCase());
  return (name) => matches(name.toLowerCase());
}

function readMirrors(mirrors: unknown): Root["mirrors"] {
  const found: Root["mirrors"] = { preferred: [], others: [] };
  for (const mirror of Array.isArray(mirrors) ? mirrors.filter(isObject) : []) {
    const url = text(mirror["dist-url"]);
    if (url !== null) (mirror["preferred"] === true ? found.preferred : found.others).push(url);
  }
  return found;
}

function readAdvisories(value: unknown): Root["advisories"] {
  if (!isObject(value)) return null;
  return { metadata: value["metadata"] === true, apiUrl: text(value["api-url"]) };
}

function readFilter(value: unknown): Filter | null {
  if (!isObject(value)) return null;
  const { "summary-url": summaryUrl, "api-url": apiUrl, ...fields } = value;
  return { fields, summaryUrl: text(summaryUrl), apiUrl: text(apiUrl) };
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function texts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return list.filter((item) => typeof item === "string");
}

function notA(why: string): Problem {
  return new Problem("malformed", `The upstream's packages.json is none: ${why}`);
}
