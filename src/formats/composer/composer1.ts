// The forms of Composer 1: lists of the packages with the SHA-256 of each one's document, and documents that are asked for by name alone.
// composer/composer, ComposerRepository: loadProviderListings, whatProvides
import { Problem } from "../../core/problem.ts";
import { isPackageName } from "./names.ts";
import { isNothing, isObject } from "./types.ts";

export interface Composer1 {
  /** With %package% and %hash%: where the documents of the listed packages are. */
  listedUrl: string | null;
  /** With %package%: where those of all others are. */
  lazyUrl: string | null;
  /** Those that packages.json lists itself. */
  listed: Listing;
  /** Documents that list more. */
  listings: ListingFile[];
}

/** By name, the SHA-256 of the package's document in lower-case hexadecimal. */
export type Listing = ReadonlyMap<string, string>;

export interface ListingFile {
  /** As packages.json names it, without the digest: the same file after it changed. */
  key: string;
  path: string;
  sha256: string;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** Null for a packages.json of another form. Throws Problem("malformed") where it is one that cannot be read. */
export function readComposer1(document: Record<string, unknown>): Composer1 | null {
  const listedUrl = templateIn(document, "providers-url", ["%package%", "%hash%"]);
  const lazyUrl = templateIn(document, "providers-lazy-url", ["%package%"]);
  // Composer asks for nothing that is listed without a place.
  if (listedUrl === null && lazyUrl === null) return null;
  return {
    listedUrl,
    lazyUrl,
    listed: listedUrl === null ? new Map() : readProviders(document["providers"]),
    listings: listedUrl === null ? [] : readListings(document["provider-includes"]),
  };
}

/** A document that `provider-includes` names. Throws Problem("malformed") when it is none. */
export function readListing(document: unknown, key: string): Listing {
  if (isNothing(document)) return new Map();
  if (!isObject(document) || !("providers" in document))
    throw new Problem("malformed", `The upstream's ${key} lists no packages`);
  if (!isNothing(document["provider-includes"]))
    throw new Problem(
      "malformed",
      `The upstream's ${key} leads to further lists, which are not read here`,
    );
  return readProviders(document["providers"]);
}

function templateIn(document: Record<string, unknown>, key: string, parts: string[]) {
  const template = document[key];
  if (typeof template !== "string" || template === "") return null;
  const missing = parts.find((part) => !template.includes(part));
  if (missing !== undefined)
    throw new Problem("malformed", `The upstream's packages.json has a ${key} without ${missing}`);
  return template;
}

/** What no package can be named, or has no digest, is none that could be asked for. */
function readProviders(providers: unknown): Listing {
  const found = new Map<string, string>();
  if (isNothing(providers)) return found;
  if (!isObject(providers))
    throw new Problem("malformed", "The upstream's list of packages is no list");
  for (const [key, about] of Object.entries(providers)) {
    const name = key.toLowerCase();
    const sha256 = digestIn(about);
    if (isPackageName(name) && sha256 !== null && !found.has(name)) found.set(name, sha256);
  }
  if (found.size === 0)
    throw new Problem("malformed", "Nothing can be used of what the upstream lists");
  return found;
}

function readListings(includes: unknown): ListingFile[] {
  if (!isObject(includes)) return [];
  return Object.entries(includes).map(([key, about]) => {
    const sha256 = digestIn(about);
    if (sha256 === null)
      throw new Problem(
        "malformed",
        `The upstream's packages.json names ${key} without its SHA-256`,
      );
    return { key, path: pathBelow(key.replaceAll("%hash%", sha256)), sha256 };
  });
}

function digestIn(about: unknown): string | null {
  const value = isObject(about) ? about["sha256"] : null;
  const sha256 = typeof value === "string" ? value.toLowerCase() : "";
  return SHA256.test(sha256) ? sha256 : null;
}

/** A path below the upstream's URL, as Composer takes it, encoded. Throws Problem("malformed") for one that leads elsewhere. */
export function pathBelow(path: string): string {
  if (/^[a-z]+:|^\/|\\|%2e|(^|\/)\.\.?(\/|$)/i.test(path))
    throw new Problem(
      "malformed",
      "The upstream's packages.json is none: it includes a file from elsewhere",
    );
  return path.split("/").map(encodeURIComponent).join("/");
}
