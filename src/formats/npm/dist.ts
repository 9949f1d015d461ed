// Which file a version is, what its bytes must be, and where the upstream has them; and `dist` as clients of ours see it.
import type { DocumentRef, OverlayEntry } from "../../core/document.ts";
import {
  type Integrity,
  integrityFromHex,
  integrityToHex,
  mergeIntegrity,
  parseIntegrity,
} from "../../core/integrity.ts";
import { conventionalFile, encodeName, isFileName } from "./names.ts";
import { type Dist, isObject, type KeptEntry } from "./types.ts";

const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

export interface Place {
  /** A plain file name; identity within the package. */
  file: string;
  /** An absolute URL, when the upstream does not say that it is at `<name>/-/<file>`. */
  location: string | null;
}

/**
 * The file that `dist.tarball` names. Its own name is kept where registries put tarballs or where it tells the version apart;
 * else (`…/1.0.0/package.tgz`) it gets the conventional one. Null when not even that can stand in a URL. `root` as `rootOf` gives it: what
 * stands below another one is not where the upstream would be asked by convention.
 */
export function placeOf(
  name: string,
  version: string,
  dist: Dist,
  root: string | null = null,
): Place | null {
  const conventional = conventionalFile(name, version);
  const fallback = isFileName(conventional) ? conventional : null;
  // Almost every tarball is where the convention says; a document names thousands.
  if (fallback !== null && isPlainly(dist.tarball, `/${name}/-/${fallback}`, root))
    return { file: fallback, location: null };
  const url = parseUrl(dist.tarball);
  if (!url) return fallback === null ? null : { file: fallback, location: null };

  const path = decode(url.pathname);
  const last = path?.slice(path.lastIndexOf("/") + 1) ?? "";
  const plain = isFileName(last) ? last : null;
  const ending = `/${name}/-/${plain}`;
  if (plain !== null && path!.endsWith(ending) && url.search === "") {
    const own = url.hostname + path!.slice(0, -ending.length);
    return { file: plain, location: root === null || own === root ? null : url.href };
  }

  const file = plain?.includes(version) ? plain : fallback;
  return file === null ? null : { file, location: url.href };
}

/** True for an http(s) URL below the root that ends so and holds nothing that parsing would change. */
function isPlainly(text: unknown, ending: string, root: string | null): boolean {
  if (typeof text !== "string" || !text.endsWith(ending) || text.includes("/.")) return false;
  const match = /^https?:\/\/([\w.-]+)(?::\d+)?((?:\/[\w.@~-]+)*)$/.exec(text);
  return (
    match !== null && (root === null || match[1] + match[2]!.slice(0, -ending.length) === root)
  );
}

/**
 * Host (without its port, which proxies change) and folder below which the upstream that gave a document has all its packages; null where
 * that is not known.
 */
export function rootOf({ url, package: name, key }: DocumentRef): string | null {
  const from = parseUrl(url);
  const path = from && decode(from.pathname);
  if (!from || !path) return null;
  const endings = [`/${name}`, `/${name}/${key.slice(name.length + 1)}`];
  const ending = endings.find((one) => path.endsWith(one));
  return ending === undefined ? null : from.hostname + path.slice(0, -ending.length);
}

function parseUrl(text: unknown): URL | null {
  if (typeof text !== "string") return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === "https:" || url?.protocol === "http:" ? url : null;
}

function decode(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** `dist.integrity` and `dist.shasum` as one, or null when there is neither. */
export function integrityOf(dist: Dist): Integrity | null {
  const strong = typeof dist.integrity === "string" ? dist.integrity : "";
  const sha1 = typeof dist.shasum === "string" ? integrityFromHex("sha1", dist.shasum) : null;
  if (SHA512.test(strong)) return sha1 ? `${strong} ${sha1}` : strong; // as good as always, and in canonical order
  return mergeIntegrity(strong, sha1 ?? "") || null;
}

/** `dist` with our URLs; everything else in it is kept. */
export function ourDist(
  dist: Dist,
  at: { base: string; name: string; version: string; file: string },
): Dist {
  const ours: Dist = { ...dist, tarball: `${at.base}/${at.name}/-/${at.file}` };
  // pacote takes the path of this URL alone and resolves it against the registry's origin, so it must hold our prefix.
  if (isObject(dist.attestations) && typeof dist.attestations.url === "string") {
    const url = `${at.base}/-/npm/v1/attestations/${encodeName(at.name)}@${at.version}`;
    ours.attestations = { ...dist.attestations, url };
  }
  return ours;
}

/** `dist` with the first digests and the signatures made over them, in place of what the upstream shows now. */
export function pinnedDist(dist: Dist, first: OverlayEntry): Dist {
  const { integrity: _, shasum: __, signatures: ___, ...rest } = dist;
  const pinned: Dist = rest;
  const kept = isKeptEntry(first.entry) ? first.entry.manifest.dist : null;
  if (kept) {
    if (kept.integrity !== undefined) pinned.integrity = kept.integrity;
    if (kept.shasum !== undefined) pinned.shasum = kept.shasum;
    if (kept.signatures !== undefined) pinned.signatures = kept.signatures;
    return pinned;
  }
  const known = first.integrity ?? "";
  const tokens = [...parseIntegrity(known)].filter(([name]) => name !== "sha1" && name !== "md5");
  if (tokens.length) pinned.integrity = tokens.map(([name, value]) => `${name}-${value}`).join(" ");
  const shasum = integrityToHex(known, "sha1");
  if (shasum) pinned.shasum = shasum;
  return pinned;
}

/** True for what `extract` returned for a version that had a `dist`. */
export function isKeptEntry(entry: unknown): entry is KeptEntry & { manifest: { dist: Dist } } {
  return isObject(entry) && isObject(entry["manifest"]) && isObject(entry["manifest"]["dist"]);
}
