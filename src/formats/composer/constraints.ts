// Whether Composer can read what a package asks of others: one that it cannot read stops it.
// composer/semver, VersionParser::parseConstraints
import { normalizeVersion } from "./normalize.ts";

const LONGEST = 1_000;
const STABILITY = "(?:stable|RC|beta|alpha|dev)";
const MODIFIER = String.raw`[._-]?(?:(?:stable|beta|b|RC|alpha|a|patch|pl|p)(?:[.-]?\d+)*)?(?:[.-]?dev)?`;
const VERSION = String.raw`v?\d+(?:\.\d+)?(?:\.\d+)?(?:\.\d+)?(?:${MODIFIER}|\.[xX*][.-]?dev)(?:\+[^\s]+)?`;
const BETWEEN = /(?<!^|as|[=>< ,]) *(?<!-)[, ](?!-) *(?!,|as|$)/;
const ANY = /^v?[xX*](?:\.[xX*])*$/i;
const RANGE = new RegExp(`^[~^]${VERSION}$`, "i");
const PARTIAL = /^v?\d+(?:\.\d+)?(?:\.\d+)?(?:\.[xX*])+$/;
const HYPHEN = new RegExp(`^(${VERSION}) +- +(${VERSION})$`, "i");
const COMPARED = /^(?:<>|!=|>=?|<=?|==?)?\s*(.*)/;

/** True for `^1.2 || dev-main@dev`, and whatever else Composer reads. */
export function isConstraint(text: string): boolean {
  if (text.length > LONGEST) return false;
  return text
    .trim()
    .split(/\s*\|\|?\s*/)
    .every((all) => all.split(BETWEEN).every(isPart));
}

function isPart(text: string): boolean {
  let part = /^([^,\s]+) +as +([^,\s]+)$/.exec(text)?.[1] ?? text;
  const plain = new RegExp(`^([^,\\s]*?)@${STABILITY}$`, "i").exec(part)?.[1];
  if (plain !== undefined) part = plain || "*";
  part = /^(dev-[^,\s@]+?|[^,\s@]+?\.x-dev)#.+$/i.exec(part)?.[1] ?? part;
  if (ANY.test(part) || PARTIAL.test(part)) return true;
  if (RANGE.test(part)) return isRange(part.slice(1));
  const [, from, to] = HYPHEN.exec(part) ?? [];
  if (from !== undefined) return isVersion(from) && isVersion(to!);
  const version = COMPARED.exec(part)?.[1] ?? "";
  return isVersion(version) || isOddBranch(version);
}

const isVersion = (text: string) => normalizeVersion(text) !== null;

/** Of a version without a stability the lowest is meant. */
function isRange(text: string): boolean {
  return isVersion(text) || isVersion(`${text}-dev`);
}

/** `foobar-dev` is taken for `dev-foobar`. */
function isOddBranch(text: string): boolean {
  return /^[0-9a-zA-Z./-]+-dev$/.test(text);
}
