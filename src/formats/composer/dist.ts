// Which file a version is, what its bytes must be, and where the upstream has them; and `dist` as clients of ours see it.
// composer/composer: Util/ComposerMirror, Package/Package::getUrls
import { createHash } from "node:crypto";
import { type Integrity, integrityFromHex } from "../../core/integrity.ts";
import { isBranch, normalizeVersion } from "./normalize.ts";
import { type Dist, isObject, type Version } from "./types.ts";

/** What passes through here, and how it is sent. What Composer knows beside it is no file: folders, checkouts. */
export const DIST_TYPES: Record<string, string> = {
  zip: "application/zip",
  tar: "application/x-tar",
  xz: "application/x-xz",
  gzip: "application/gzip",
  rar: "application/vnd.rar",
  phar: "application/octet-stream",
  file: "application/octet-stream",
};

/** Whether Composer names the one file that a dist holds by the end of its URL. Composer/Downloader: FileDownloader, GzipDownloader */
export function isNamedByUrl(type: string): boolean {
  return type === "file" || type === "gzip";
}

/** Old repositories normalize every default branch to this; Composer 2 looks at the version itself then. */
export const DEFAULT_BRANCH = "9999999-dev";
/** What stands in a URL and in a file's name as it is. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._+~@-]{0,127}$/;

/** A version, and the files that it is known by. */
export interface Place {
  /** As the repository writes it. */
  version: string;
  normalized: string;
  dist: Dist | null;
  /** What stands for the reference in our URLs; empty for none. */
  part: string;
  /** `<version>/<reference>.<type>`, as it stands in our URLs; null without a dist of a kind that passes through. */
  file: string | null;
  /** What names a release for good, and never a branch: its integrity is that of the commit. */
  release: string | null;
}

/**
 * Null for what Composer could not read as a version either. The version itself says which release it is: another normalized form beside it
 * would be a second name, under which an old release could be shown anew.
 */
export function placeOf(version: Version): Place | null {
  const { version: told, version_normalized: given } = version;
  const text = typeof told === "number" ? String(told) : told;
  if (typeof text !== "string" || text === "") return null;
  const isGiven = typeof given === "string" && given !== "" && given !== DEFAULT_BRANCH;
  const normalized = normalizeVersion(text) ?? (isGiven ? normalizeGiven(given) : null);
  if (normalized === null) return null;
  const dist = readDist(version);
  const part = dist ? partOf(version, normalized, dist) : "";
  return {
    version: text,
    normalized,
    dist,
    part,
    file: dist && Object.hasOwn(DIST_TYPES, dist.type) ? fileOf(normalized, part, dist.type) : null,
    release: isBranch(normalized) ? null : versionPart(normalized),
  };
}

function normalizeGiven(given: string): string {
  return normalizeVersion(given) ?? given;
}

export function readDist({ dist }: Version): Dist | null {
  if (!isObject(dist)) return null;
  const { type, url, reference, shasum } = dist;
  if (typeof type !== "string" || typeof url !== "string" || url === "") return null;
  const isHash = typeof shasum === "string" && /^[0-9a-f]{40}$/i.test(shasum);
  return {
    type: type.toLowerCase(),
    url,
    reference: isReference(reference) ? String(reference) : null,
    shasum: isHash ? shasum.toLowerCase() : null,
  };
}

function isReference(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && value !== "");
}

/** As Composer writes it into the URL of a mirror; a branch's characters that no URL takes as they are, as it writes a slash. */
export function versionPart(normalized: string): string {
  return PLAIN.test(normalized) ? normalized : md5(normalized);
}

/** Hexadecimal always, empty for none: as Composer writes it into the URL of a mirror. */
export function referencePart(reference: string | null): string {
  if (reference === null) return "";
  return /^[a-f0-9]*$/.test(reference) ? reference : md5(reference);
}

/** A branch without a commit would be one file for ever, whatever it holds: its bytes' digest, or its time, stands in. */
function partOf(version: Version, normalized: string, { reference, shasum, url }: Dist): string {
  if (reference !== null || !isBranch(normalized)) return referencePart(reference);
  const { time } = version;
  return shasum ?? md5(`${url} ${typeof time === "string" ? JSON.stringify(time) : "undefined"}`);
}

function fileOf(normalized: string, part: string, type: string): string {
  return `${versionPart(normalized)}/${part}.${type}`;
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** Of the bytes, where the repository tells. */
export function integrityOf(dist: Dist): Integrity | null {
  return dist.shasum === null ? null : integrityFromHex("sha1", dist.shasum);
}

/** What a release was made from, as if it were a digest of bytes: a tag that moves is another integrity. */
export function commitIntegrity(part: string): Integrity | null {
  if (part === "") return null;
  if (part.length === 40) return integrityFromHex("sha1", part);
  return `sha256-${createHash("sha256").update(part).digest("base64")}`;
}

/** The same of a version: of its dist's reference, or else of its source's. Null when neither is told. */
export function releaseIntegrity(version: Version, dist: Dist | null): Integrity | null {
  const source = isObject(version["source"]) ? version["source"]["reference"] : null;
  const reference = dist?.reference ?? (isReference(source) ? String(source) : null);
  return commitIntegrity(referencePart(reference)) ?? (dist && integrityOf(dist));
}

/** What Composer puts in place of the placeholders. */
export interface Placeholders {
  name: string;
  /** As `versionPart` and `referencePart` give them. */
  version: string;
  reference: string;
  type: string;
  /** Null where it is not known. */
  prettyVersion: string | null;
}

/** The URL with its placeholders filled in; null when one is asked for that is not known. */
export function fillUrl(template: string, values: Placeholders): string | null {
  if (values.prettyVersion === null && template.includes("%prettyVersion%")) return null;
  return template
    .replaceAll("%package%", values.name)
    .replaceAll("%version%", values.version)
    .replaceAll("%reference%", values.reference)
    .replaceAll("%type%", values.type)
    .replaceAll("%prettyVersion%", values.prettyVersion ?? "");
}

/** Where the upstream has the file. */
export function locationOf(name: string, { version, normalized, dist }: Place): string {
  const { url, reference, type } = dist!;
  if (!url.includes("%")) return url;
  const values = {
    name,
    version: versionPart(normalized),
    reference: referencePart(reference),
    type,
    prettyVersion: version,
  };
  return fillUrl(url, values)!;
}

/** The template of our dist URLs, for Composer to fill in. */
export function mirrorTemplate(base: string): string {
  return `${base}/dists/%package%/%version%/%reference%.%type%`;
}

/** The same, filled in: with what Composer makes of the template, so that there is one URL and not two to try. */
export function distUrl(base: string, name: string, place: Place): string {
  const { type } = place.dist!;
  const end = /^[a-z0-9]{1,16}$/.test(type) ? type : "unknown";
  const url = `${base}/dists/${name}/${fileOf(place.normalized, place.part, end)}`;
  const last = isNamedByUrl(type) ? lastPart(locationOf(name, place)) : null;
  return last === null ? url : `${url}/${encodeURIComponent(last)}`;
}

/** As Composer reads it: of the path, without what stands after it. Null where that names no file. */
function lastPart(url: string): string | null {
  const path = url.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/[?#].*$/s, "");
  const text = path.slice(path.lastIndexOf("/") + 1);
  try {
    const name = decodeURIComponent(text);
    return isFileName(name) ? name : null;
  } catch {
    return null;
  }
}

/** What may stand at the end of a dist's URL: it says how its file is called on the client's disk. */
export function isFileName(text: string): boolean {
  return text.length <= 200 && !/^\.{0,2}$|[\u0000-\u001f\u007f/\\]/.test(text);
}
