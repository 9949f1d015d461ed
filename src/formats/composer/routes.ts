// The path grammar, still percent-encoded. The paths are ours: clients find them in our packages.json.
// Only the place of packages.json itself is Composer's (https://getcomposer.org/doc/05-repositories.md#composer).
import type { Access } from "../../core/grant.ts";
import { DIST_TYPES, isFileName, isNamedByUrl, versionPart } from "./dist.ts";
import { isPackageName } from "./names.ts";
import type { UploadRoute } from "./upload.ts";

export type ComposerRoute =
  | { kind: "root" | "search" | "list" | "advisories" | "filterSummary" | "filter" | "downloads" }
  | { kind: "package"; name: string; dev: boolean }
  | { kind: "providers"; name: string }
  | DistRoute
  | UploadRoute
  /** Everything else that would change something. */
  | { kind: "unsupported"; method: string };

export interface DistRoute {
  kind: "dist";
  name: string;
  /** The parts as they stand in a file's name: see `versionPart` and `referencePart`. */
  version: string;
  reference: string;
  type: string;
}

type PlainKind = "root" | "search" | "list" | "advisories" | "filterSummary";

const PLAIN: Record<string, PlainKind> = {
  "packages.json": "root",
  "search.json": "search",
  "list.json": "list",
  "api/security-advisories": "advisories",
  "filter/summary.json": "filterSummary",
};
/** Asked by POST. */
const POSTED: Record<string, "advisories" | "filter" | "downloads"> = {
  "api/security-advisories": "advisories",
  filter: "filter",
  downloads: "downloads",
};
/** Of a version in a path. Longer names of branches than code hosts take. */
const LONGEST = 512;

/** Null for anything that is no path of ours; never throws. */
export function parseRoute(method: string, path: string): ComposerRoute | null {
  if (path === "/" && method === "PUT") return { kind: "upload", name: null, version: null };
  const tokens = tokenize(path);
  if (!tokens) return null;
  const plain = tokens.join("/");
  if (method === "POST" && Object.hasOwn(POSTED, plain)) return { kind: POSTED[plain]! };
  if (method !== "GET" && method !== "HEAD")
    return parseUpload(method, tokens) ?? { kind: "unsupported", method };
  if (Object.hasOwn(PLAIN, plain)) return { kind: PLAIN[plain]! };
  const [first, vendor = "", last = "", ...rest] = tokens;
  if (first === "dists") return parseDist(`${vendor}/${last}`, rest);
  if (rest.length > 0 || !last.endsWith(".json")) return null;
  const file = last.slice(0, -".json".length);
  if (first === "p2") return parsePackage(vendor, file);
  const name = nameOf(`${vendor}/${file}`);
  return first === "providers" && name !== null ? { kind: "providers", name } : null;
}

/** What the caller must be allowed to do. */
export function accessOf(route: ComposerRoute): Access {
  if (route.kind === "unsupported") return { action: "publish", package: null };
  if (route.kind === "upload") return { action: "publish", package: route.name };
  return { action: "read", package: "name" in route ? route.name : null };
}

/** The version of a branch may have slashes. See upload.ts. */
function parseUpload(method: string, tokens: string[]): UploadRoute | null {
  if (method !== "PUT" && method !== "POST") return null;
  const isLong = tokens[0] === "packages" && tokens[1] === "upload" && tokens.length > 4;
  const [vendor = "", last = "", ...rest] = isLong ? tokens.slice(2) : tokens;
  const name = nameOf(`${vendor}/${last}`);
  if (name === null || (!isLong && rest.length > 0)) return null;
  return { kind: "upload", name, version: isLong ? rest.join("/") : null };
}

function parsePackage(vendor: string, file: string): ComposerRoute | null {
  const dev = file.endsWith("~dev");
  const name = nameOf(`${vendor}/${dev ? file.slice(0, -"~dev".length) : file}`);
  return name === null ? null : { kind: "package", name, dev };
}

/**
 * `<version>/<reference>.<type>`, and how the client shall call the file. Composer writes a version into it as it is, but for one with a
 * slash: so whatever else may be in the name of a branch arrives here as well. What passes through here by no name is asked for below it
 * (a checkout), to be told so.
 */
function parseDist(text: string, [version, file, ...rest]: string[]): DistRoute | null {
  const name = nameOf(text);
  const match = /^([a-f0-9]*)\.([a-z0-9]{1,16})$/.exec(file ?? "");
  if (name === null || !match) return null;
  const isServed = Object.hasOwn(DIST_TYPES, match[2]!);
  const most = isNamedByUrl(match[2]!) ? 1 : 0;
  if (isServed && (rest.length > most || !rest.every(isFileName))) return null;
  if (version === undefined || version.length > LONGEST) return null;
  const [, reference, type] = match;
  return {
    kind: "dist",
    name,
    version: versionPart(version),
    reference: reference!,
    type: type!,
  };
}

/** In lower case: names are the same in any. */
function nameOf(text: string): string | null {
  const name = text.toLowerCase();
  return isPackageName(name) ? name : null;
}

/** The decoded parts between slashes; one slash at the end is as good as none. An encoded slash stands nowhere in what we name. */
function tokenize(path: string): string[] | null {
  if (!path.startsWith("/")) return null;
  const tokens: string[] = [];
  for (const raw of path.slice(1).replace(/\/$/, "").split("/")) {
    const token = decode(raw);
    if (token === null || !isToken(token)) return null;
    tokens.push(token);
  }
  return tokens;
}

function isToken(token: string): boolean {
  if (token === "" || token === "." || token === "..") return false;
  return !/[\u0000-\u001f\u007f/\\]/.test(token);
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
