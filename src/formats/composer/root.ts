// The upstream's packages.json: which of the protocol's forms it speaks, and where it has what.
// https://getcomposer.org/doc/05-repositories.md#composer; composer/composer, ComposerRepository::loadRootServerFile
import { Problem } from "../../core/problem.ts";
import { wildcard } from "../../core/wildcard.ts";
import { type Composer1, pathBelow, readComposer1 } from "./composer1.ts";
import { isNothing, isObject } from "./types.ts";
import { packagesIn, readPackages } from "./versions.ts";

export interface Root {
  /** With %package%; null for a repository whose packages all stand in it and its includes. */
  metadataUrl: string | null;
  /** The packages that stand in it. */
  inline: ReadonlySet<string>;
  includes: Include[];
  /** Null where the upstream speaks another form. */
  composer1: Composer1 | null;
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

/** Throws Problem("malformed") for what is none, and for a form that is not read here. Nothing at all is a repository without packages. */
export function readRoot(given: unknown): Root {
  if (!isObject(given) && !Array.isArray(given)) throw notA("it is no JSON object");
  const document = isObject(given) ? given : {};
  const metadataUrl = text(document["metadata-url"]);
  if (metadataUrl !== null && !metadataUrl.includes("%package%"))
    throw notA("its metadata-url does not say where the package's name belongs");
  const inline = new Set(readPackages(packagesIn(given)).keys());
  const includes = metadataUrl === null ? readIncludes(document["includes"]) : [];
  // Who has both forms says the same in both.
  const composer1 = metadataUrl === null && includes.length === 0 ? readComposer1(document) : null;
  if (metadataUrl === null && !composer1 && inline.size + includes.length === 0)
    refuseUnread(given);
  const notices = Object.fromEntries(
    NOTICES.filter((key) => key in document).map((key) => [key, document[key]]),
  );
  const filter = readFilter(document["filter"]);
  refuseDeep({ notices, filter });
  return {
    metadataUrl,
    inline,
    includes,
    composer1,
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

/** What says nothing of packages is no empty repository, but for what says nothing at all. */
function refuseUnread(given: unknown): void {
  if (isNothing(given)) return;
  if (!isObject(given)) throw notA("it is a list of something else than packages");
  const old = ["provider-includes", "providers"].find((key) => !isNothing(given[key]));
  if (old !== undefined)
    throw new Problem(
      "malformed",
      `The upstream's packages.json has ${old} without a providers-url, which is not read here`,
    );
  const lists = ["packages", "includes"].filter((key) => key in given);
  if (lists.length === 0) throw notA("it has neither metadata-url nor packages nor includes");
  const odd = lists.find((key) => !isNothing(given[key]) && typeof given[key] !== "object");
  if (odd !== undefined) throw notA(`its ${odd} are no list`);
}

function readIncludes(includes: unknown): Include[] {
  if (!isObject(includes)) return [];
  return Object.entries(includes).map(([path, about]) => {
    const digest = (name: string) => {
      const value = isObject(about) ? text(about[name]) : null;
      return value !== null && /^[0-9a-f]+$/i.test(value) ? value.toLowerCase() : null;
    };
    return {
      key: path.replace(DIGEST, ""),
      path: pathBelow(path),
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
