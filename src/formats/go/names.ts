// Module paths and versions: which are valid, and how they travel in URLs. https://go.dev/ref/mod#module-path
import { purl } from "../../core/purl.ts";
import { canonical } from "./version.ts";

const MAX_LENGTH = 512;
const PATH_ELEMENT = /^[-._~0-9A-Za-z]+$/;
// What golang.org/x/mod/module allows in a file name, of ASCII: letters, digits and this punctuation.
const FILE_ELEMENT = /^[-0-9A-Za-z!#$%&()+,.=@[\]^_{}~ ]+$/;
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/i;
const GOPKG_IN = "gopkg.in/";

function stem(element: string): string {
  return element.split(".", 1)[0]!;
}

function isPathElement(element: string): boolean {
  if (!PATH_ELEMENT.test(element) || element.startsWith(".") || element.endsWith(".")) return false;
  const name = stem(element);
  return !WINDOWS_DEVICE.test(name) && !/~\d+$/.test(name);
}

/** The major version suffix of a path: "" when it has none, null when what stands there may not. */
function majorSuffix(path: string): string | null {
  if (path.startsWith(GOPKG_IN)) {
    const suffix = /(\.v0$|\.v[1-9]\d*)(-unstable)?$/.exec(path);
    return suffix ? suffix[1]! : null;
  }
  const suffix = /\/v([\d.]+)$/.exec(path);
  if (!suffix) return "";
  return /^([2-9]|[1-9]\d+)$/.test(suffix[1]!) ? suffix[0] : null;
}

/** As CheckPath of golang.org/x/mod/module. */
export function isModulePath(path: string): boolean {
  if (path.length === 0 || path.length > MAX_LENGTH) return false;
  const elements = path.split("/");
  const host = elements[0]!;
  if (!/^[a-z0-9.][-.a-z0-9]*$/.test(host) || !host.includes(".")) return false;
  return elements.every(isPathElement) && majorSuffix(path) !== null;
}

/** A version query that may stand in a URL: a branch, a commit, a version. As EscapeVersion of golang.org/x/mod/module. */
export function isVersionQuery(version: string): boolean {
  if (version.length > MAX_LENGTH || !FILE_ELEMENT.test(version) || version.includes("!"))
    return false;
  return !version.endsWith(".") && !WINDOWS_DEVICE.test(stem(version));
}

/** True when the version is in canonical form and belongs to the path's major version: only then is its content immutable. */
export function isRelease(path: string, version: string): boolean {
  if (canonical(version) !== version || !isVersionQuery(version)) return false;
  const suffix = majorSuffix(path);
  const major = /^v\d+/.exec(version)![0];
  // An old bug gave v0 pseudo-versions to gopkg.in's .v1 modules, and go.mod files still name them.
  if (suffix === ".v1" && version.startsWith("v0.0.0-")) return true;
  if (suffix) return suffix.slice(1) === major;
  return major === "v0" || major === "v1" || version.endsWith("+incompatible");
}

/** Upper case as "!" and lower case, so that a module's URL is the same on disks that ignore case. */
export function escapeCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}

/** Null when the text is not what escapeCase gives. */
function unescapeCase(escaped: string): string | null {
  if (/[A-Z]|!(?![a-z])/.test(escaped)) return null;
  return escaped.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export function unescapePath(escaped: string): string | null {
  const path = unescapeCase(escaped);
  return path !== null && isModulePath(path) ? path : null;
}

export function unescapeVersion(escaped: string): string | null {
  const version = unescapeCase(escaped);
  return version !== null && isVersionQuery(version) ? version : null;
}

/** One segment of a URL path; "!" and "+" as the public proxies' own links have them. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll("%2B", "+").replaceAll("%40", "@");
}

/** Where a GOPROXY has a module: escaped and percent-encoded, without a leading slash. */
export function modulePath(path: string, rest: string): string {
  return `${escapeCase(path)}/${rest}`;
}

/** Where a GOPROXY has a file of one version: "info", "mod" or "zip". */
export function versionPath(path: string, version: string, extension: string): string {
  return modulePath(path, `@v/${encodeSegment(escapeCase(version))}.${extension}`);
}

/** pkg:golang/… with the case kept: two modules whose paths differ only in case are two modules. */
export function modulePurl(path: string, version: string): string {
  return purl("golang", path, version);
}

/** As Go's path.Match, of one element: "*", "?", "[a-z]", "[^a-z]" and "\" before a character that stands for itself. */
function matchElement(pattern: string, text: string): boolean {
  const source = pattern.replace(/\\[\s\S]|\[\^?(?:\\.|[^\]\\])+\]|[\s\S]/g, (part) => {
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length > 2) return part;
    return part.slice(-1).replace(/[.*+?^${}()|[\]\\/]/, "\\$&");
  });
  return new RegExp(`^${source}$`).test(text);
}

/** As GONOSUMDB: each pattern is matched with as many leading path elements as it has itself. */
export function matchesPrefix(patterns: readonly string[], path: string): boolean {
  const elements = path.split("/");
  return patterns.some((pattern) => {
    const wanted = pattern.replace(/\/$/, "").split("/");
    return (
      wanted.length <= elements.length &&
      wanted.every((element, at) => matchElement(element, elements[at]!))
    );
  });
}
