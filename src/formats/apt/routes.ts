// The paths of an apt repository. https://wiki.debian.org/DebianRepository/Format
import type { Access } from "../../core/grant.ts";
import { type HashName, isHash, isHashName } from "./hashes.ts";
import { type UploadRoute, uploadRoute } from "./hosted/upload-route.ts";

/**
 * `suite` and `folder` are without a slash at their end; the root is ".". `release` may be a suite's own or one of the small files of that name that a
 * Release lists, which only the Release tells; `file` an index or a pool file, likewise.
 */
export type AptRoute =
  | { kind: "key" }
  | { kind: "folder"; folder: string }
  | { kind: "inrelease"; suite: string }
  | { kind: "release"; suite: string }
  | { kind: "signature"; suite: string }
  | { kind: "hash"; folder: string; algorithm: HashName; digest: string }
  | { kind: "diff" }
  | UploadRoute
  /** `isTold`: asked for where the path says why it was refused before. */
  | { kind: "pool"; path: string; isTold?: true }
  | { kind: "file"; path: string };

/** Of a reason in a path. */
const WORDS_LIMIT = 200;
const PACKAGE = /\.(deb|udeb|ddeb|dsc)$/;
const RELEASES = {
  InRelease: "inrelease",
  Release: "release",
  "Release.gpg": "signature",
} as const;

/** Decoded once, segment by segment; null when a segment hides a separator or is none. */
function decode(rawPath: string): string[] | null {
  const segments: string[] = [];
  for (const raw of rawPath.split("/")) {
    let segment: string;
    try {
      segment = raw.includes("%") ? decodeURIComponent(raw) : raw;
    } catch {
      return null;
    }
    if (!segment || segment === "." || segment === ".." || /[/\\\0-\x1f\x7f]/.test(segment))
      return null;
    segments.push(segment);
  }
  return segments;
}

/** Returns null for anything that is not a path of the protocol; never throws. */
export function parseRoute(method: string, rawPath: string): AptRoute | null {
  if (!rawPath.startsWith("/")) return null;
  if (rawPath.startsWith("/-/upload/") && method !== "GET" && method !== "HEAD")
    return uploadRoute(method, decode(rawPath.slice("/-/upload/".length)) ?? []);
  if (method !== "GET" && method !== "HEAD") return null;
  if (rawPath === "/") return { kind: "folder", folder: "." };
  if (rawPath.endsWith("/")) {
    const folder = decode(rawPath.slice(1, -1));
    const isOurs = folder?.[0] === "-" && folder.length > 1;
    return folder && !isOurs ? { kind: "folder", folder: folder.join("/") } : null;
  }
  const segments = decode(rawPath.slice(1));
  if (!segments) return null;
  if (segments[0] === "-" && segments[1] === "blocked") {
    const route = segments.length > 3 ? parseSegments(segments.slice(3)) : null;
    return route?.kind === "pool" ? { ...route, isTold: true } : null;
  }
  if (segments[0] === "-") return segments.join("/") === "-/key.asc" ? { kind: "key" } : null;
  return parseSegments(segments);
}

function parseSegments(segments: string[]): AptRoute | null {
  const path = segments.join("/");
  const name = segments.at(-1)!;
  // Patches from one index to the next: answering that there are none makes apt take the whole one.
  if (segments.slice(0, -1).some((segment) => segment.endsWith(".diff"))) return { kind: "diff" };
  if (Object.hasOwn(RELEASES, name)) {
    const kind = RELEASES[name as keyof typeof RELEASES];
    return { kind, suite: folderOf(path) };
  }
  if (segments.at(-3) === "by-hash") {
    const algorithm = segments.at(-2)!;
    if (!isHashName(algorithm) || !isHash(algorithm, name)) return null;
    const digest = name.toLowerCase();
    const folder = segments.slice(0, -3).join("/") || ".";
    return { kind: "hash", folder, algorithm, digest };
  }
  const at = segments.findIndex((segment) => segment === "dists" || segment === "pool");
  const isPool = PACKAGE.test(name) || (segments[at] === "pool" && at < segments.length - 1);
  return { kind: isPool ? "pool" : "file", path };
}

/** Where a pool file is asked for once more, by a path that says why it is refused. Relative to the repository. */
export function toldPath(path: string, why: string): string {
  const words = why.replace(/[^A-Za-z0-9.:+~-]+/g, "_").slice(0, WORDS_LIMIT);
  return `/-/blocked/${words}${path}`;
}

/** The folder that a path stands in; "." for the root. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash);
}

/** A path in a folder, from the repository's root. */
export function inFolder(folder: string, path: string): string {
  return folder === "." || folder === "" ? path : `${folder}/${path}`;
}

/** The rest of a path under a folder; null when it does not stand there. */
export function under(folder: string, path: string): string | null {
  if (folder === ".") return path;
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
}

/**
 * Which suite folder an index most likely belongs to, by its path alone: the segment after "dists", and where there is none the folder that it
 * stands in.
 */
export function likelySuite(path: string): string {
  const segments = path.split("/");
  const dists = segments.indexOf("dists");
  return dists >= 0 && segments.length > dists + 2
    ? segments.slice(0, dists + 2).join("/")
    : folderOf(path);
}

/**
 * The folder that the paths in a suite's indices start from: the one that holds "dists", and for a flat suite its own. (For a flat suite it
 * may be the root instead: that is up to how a client's sources are written.)
 */
export function poolFolder(suite: string): string {
  const segments = suite.split("/");
  const dists = segments.indexOf("dists");
  return dists >= 0 ? segments.slice(0, dists).join("/") || "." : suite;
}

/** For an upstream: `+` too, which some stores take for a space. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

export const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9+.-]*$/;

/**
 * The package that a pool file's name speaks of: "hello" of hello_2.10-3_amd64.deb. Names are what claims are about and what the catalog is kept
 * by, so they come from the path alone. A file of another form of name is its own package.
 */
export function packageOf(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  const underscore = file.indexOf("_");
  const name = file.slice(0, underscore);
  return underscore > 0 && PACKAGE_NAME.test(name) ? name : file;
}

export function accessOf(route: AptRoute): Access {
  // Which packages, only the files tell.
  if (route.kind === "upload") return { action: "publish", package: null };
  return { action: "read", package: route.kind === "pool" ? packageOf(route.path) : null };
}
