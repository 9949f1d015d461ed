// Package names, versions, tags and tarball names: what is accepted at the edge.
// npm/validate-npm-package-name (validForOldPackages) and https://semver.org; old names exist and stay installable.
import semver from "semver";

// What encodeURIComponent leaves alone: "name can only contain URL-friendly characters".
const PART = /^[A-Za-z0-9_~!'()*-][A-Za-z0-9._~!'()*-]*$/;
const FILE = /^[A-Za-z0-9_~!'()*@-][A-Za-z0-9._~!'()*@+=-]*$/;
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,255}$/;
const TAG = /^[A-Za-z0-9][A-Za-z0-9._~!'()*-]{0,255}$/;

/** `lodash`, `@types/node`, and legacy names in upper case. Never holds a dot segment, an encoding or a control character. */
export function isPackageName(name: string): boolean {
  if (name.length > 214) return false;
  if (name.startsWith("@")) {
    const parts = name.slice(1).split("/");
    return parts.length === 2 && parts.every((part) => PART.test(part));
  }
  // "name cannot start with an underscore", "node_modules is not a valid package name"
  return PART.test(name) && !/^(_.*|node_modules|favicon\.ico)$/i.test(name);
}

/** Whether a package may begin to be called so: as npm has it for new ones, in lower case and with nothing that means something elsewhere. */
export function isNewName(name: string): boolean {
  return isPackageName(name) && /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(name);
}

/** True for versions as documents spell them, also the loose ones of the first years. */
export function isVersion(text: string): boolean {
  return /^\d/.test(text) && VERSION.test(text) && semver.valid(text, { loose: true }) !== null;
}

/** True for what can stand as a key of `versions` and in a URL. Wider than semver: what exists is served. */
export function isVersionKey(text: string): boolean {
  return VERSION.test(text);
}

/** "Tag name must not be a valid SemVer range" (npm dist-tag). */
export function isTag(text: string): boolean {
  return TAG.test(text) && !isVersion(text) && semver.validRange(text) === null;
}

/** A plain file name that needs no encoding in a URL's path. */
export function isFileName(text: string): boolean {
  return text.length <= 255 && FILE.test(text) && text !== "__proto__";
}

/** The part after the scope. */
export function unscoped(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** The name as one path segment: `@types%2fnode`. The only character of a name that must be encoded is the slash. */
export function encodeName(name: string): string {
  return name.replace("/", "%2f");
}

/** The name that a registry gives the tarball of a version. */
export function conventionalFile(name: string, version: string): string {
  return `${unscoped(name)}-${version}.tgz`;
}

/** The version that a tarball's conventional name tells, or null. */
export function versionOf(name: string, file: string): string | null {
  const prefix = `${unscoped(name)}-`;
  if (!file.startsWith(prefix) || !file.endsWith(".tgz")) return null;
  const version = file.slice(prefix.length, -".tgz".length);
  return semver.valid(version) === version ? version : null;
}
