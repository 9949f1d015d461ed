// A composer.json that is to become a version here: what of it repositories tell, and whether Composer could read that.
// https://getcomposer.org/doc/04-schema.md; composer/composer, Package/Loader/ArrayLoader and Package/Dumper/ArrayDumper
import { jsonFault, readJson } from "../../core/json.ts";
import { Problem } from "../../core/problem.ts";
import { isConstraint } from "./constraints.ts";
import { isPackageName } from "./names.ts";
import { isNothing, isObject, type Version, valuesOf } from "./types.ts";

/** Bytes. The largest ones that are known have some 100 kB. */
export const MANIFEST_LIMIT = 512 * 1024;
/** Levels: documents hold them some levels down, and are read up to a depth of their own. */
const NESTING = 100;

export interface Manifest {
  /** In lower case; null where it tells none. */
  name: string | null;
  /** As its author wrote it; null where it tells none, as most do. */
  version: string | null;
  /** What repositories tell of it, without its name and version. */
  data: Version;
  /** `archive.exclude`: what its author wants in no archive. */
  exclude: string[];
}

const LINKS = ["require", "require-dev", "conflict", "replace", "provide"];
const MAPS = ["autoload", "autoload-dev", "extra", "scripts", "suggest", "support", "archive"];
const TEXTS = ["type", "description", "homepage", "target-dir"];
const LISTS = ["authors", "bin", "funding", "include-path", "keywords", "license"];
/**
 * Whatever else stands in it is its own project's (`config`, `repositories`) or not for it to say: a `dist` would send clients elsewhere, and
 * a `time` is told by who publishes it.
 */
const TOLD = new Set([...LINKS, ...MAPS, ...TEXTS, ...LISTS, "abandoned", "php-ext"]);

/** Throws Problem("malformed") for one that would stop Composer. */
export function readManifest(bytes: Uint8Array): Manifest {
  const document = parsed(bytes);
  const { name = null, version = null, archive } = document;
  if (name !== null && (typeof name !== "string" || !isPackageName(name.toLowerCase())))
    throw bad(`its name ${told(name)} is none that a package can have ("vendor/name")`);
  if (version !== null && typeof version !== "string") throw bad("its version is no text");
  const data = Object.fromEntries(
    Object.entries(document).filter(([key, value]) => TOLD.has(key) && !isNothing(value)),
  );
  for (const [key, value] of Object.entries(data)) {
    const why = faultOf(key, value);
    if (why !== null) throw bad(why);
  }
  const exclude = isObject(archive) ? valuesOf(archive["exclude"]) : [];
  return {
    name: name === null ? null : name.toLowerCase(),
    version: version === "" ? null : version,
    data,
    exclude: exclude.filter((one) => typeof one === "string"),
  };
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length > MANIFEST_LIMIT) throw bad(`it is larger than ${MANIFEST_LIMIT} bytes`);
  const fault = jsonFault(bytes, undefined, NESTING);
  if (fault !== null) throw bad(`it ${fault}`);
  let value: unknown;
  try {
    value = readJson(bytes);
  } catch (error) {
    throw bad("it is no JSON", error);
  }
  if (!isObject(value)) throw bad("it is no JSON object");
  return value;
}

/** Why Composer could not take the field; null where it can. PHP takes a list for a map. */
function faultOf(key: string, value: unknown): string | null {
  if (LINKS.includes(key)) return isObject(value) ? linkFault(key, value) : `its ${key} is no map`;
  if (MAPS.includes(key)) {
    if (!isObject(value) && !Array.isArray(value)) return `its ${key} is no map`;
    return mapFault(key, valuesOf(value), value);
  }
  if (TEXTS.includes(key)) return typeof value === "string" ? null : `its ${key} is no text`;
  if (LISTS.includes(key)) return listFault(key, value);
  if (key === "abandoned")
    return isAbandoned(value) ? null : "its abandoned is neither true nor a package's name";
  return null;
}

function linkFault(key: string, links: Record<string, unknown>): string | null {
  for (const [target, constraint] of Object.entries(links)) {
    if (typeof constraint !== "string")
      return `what it says of ${told(target)} in ${key} is no text`;
    if (constraint !== "self.version" && !isConstraint(constraint))
      return `what it says of ${told(target)} in ${key} is no constraint that Composer can read: ${told(constraint)}`;
  }
  return null;
}

function mapFault(key: string, values: unknown[], value: unknown): string | null {
  if (key === "suggest" && values.some((one) => typeof one !== "string"))
    return "its suggest has something else than texts";
  const aliases = key === "extra" && isObject(value) ? value["branch-alias"] : null;
  const isAliases = isNothing(aliases) || valuesOf(aliases).every((one) => typeof one === "string");
  return isAliases ? null : "its branch-alias has something else than texts";
}

function listFault(key: string, value: unknown): string | null {
  if ((key === "license" || key === "bin") && typeof value === "string") return null;
  if (!Array.isArray(value)) return `its ${key} is no list`;
  const areMaps = key === "authors" || key === "funding";
  const isRight = areMaps ? isObject : (one: unknown) => typeof one === "string";
  return value.every(isRight)
    ? null
    : `its ${key} has something else than ${areMaps ? "maps" : "texts"}`;
}

/** True, or what to use in its place. */
export function isAbandoned(value: unknown): value is boolean | string {
  if (typeof value === "boolean") return true;
  return typeof value === "string" && isPackageName(value.toLowerCase());
}

function told(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? "";
}

function bad(why: string, cause?: unknown): Problem {
  return new Problem("malformed", `The composer.json cannot be used: ${why}`, { cause });
}
