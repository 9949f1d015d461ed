// The documents of packages as clients see them: our URLs, first commits, known digests, and nothing that the upstream took away.
// https://getcomposer.org/doc/05-repositories.md#metadata-url-available-packages-and-available-package-patterns
import type { Overlay, StoredDocument, ViewRequest } from "../../core/format.ts";
import { integrityToHex } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import { distUrl, type Place, placeOf } from "./dist.ts";
import { MINIFIED, minify } from "./minify.ts";
import { isBranch } from "./normalize.ts";
import { isObject, type Version } from "./types.ts";
import { type Release, readPackage, readPackages, releasesOf } from "./versions.ts";

/** After the name of a view: versions with a dist do not tell their source. */
export const WITHOUT_SOURCES = "#dists";

/** A package's own document: the view "package". */
export async function* renderPackage(
  { ref, source, overlay }: StoredDocument,
  view: ViewRequest,
): AsyncGenerator<string> {
  const { variant, hasSources } = readVariant(view.variant);
  if (variant !== "package")
    throw new Problem("notFound", `The document of ${ref.key} has no view ${variant}`);
  const { releases, extras } = await readPackage(source, ref.key);
  const shown = shownOf(ref.key, releases, overlay, view.base);
  yield written(ref.key, hasSources ? shown : shown.map(withoutSource), extras);
}

/** One package of a document that holds many: the views "package/<name>", and "dev/<name>" for its branches. */
export async function* renderMany(
  { ref, source, overlay }: StoredDocument,
  view: ViewRequest,
): AsyncGenerator<string> {
  const { variant, hasSources } = readVariant(view.variant);
  const [, kind, name = ""] = /^(package|dev)\/(.*)$/.exec(variant) ?? [];
  const document = await source.json();
  const packages = readPackages(isObject(document) ? document["packages"] : null);
  if (kind === undefined || !packages.has(name))
    throw new Problem("notFound", `The upstream's ${ref.key} has no package ${name}`);
  const releases = releasesOf(name, packages.get(name), false).filter(
    ({ normalized }) => isBranch(normalized) === (kind === "dev"),
  );
  const shown = shownOf(name, releases, overlay, view.base, `${name}/`);
  yield written(name, hasSources ? shown : shown.map(withoutSource), {});
}

function readVariant(text: string): { variant: string; hasSources: boolean } {
  const hasSources = !text.endsWith(WITHOUT_SOURCES);
  return { variant: hasSources ? text : text.slice(0, -WITHOUT_SOURCES.length), hasSources };
}

/** What has no dist can be had from its source alone. */
function withoutSource(version: Version): Version {
  const { source: _, ...rest } = version;
  return isObject(version["dist"]) ? rest : version;
}

function written(name: string, versions: Version[], extras: Record<string, unknown>): string {
  try {
    const packages = { [name]: minify(versions) };
    return `${JSON.stringify({ minified: MINIFIED, packages, ...extras })}\n`;
  } catch (error) {
    // Reading has no limit of depth; writing has one.
    throw new Problem("malformed", "The document is nested too deeply", { cause: error });
  }
}

function shownOf(
  name: string,
  releases: readonly Release[],
  overlay: Overlay,
  base: string,
  prefix = "",
): Version[] {
  const known = (file: string | null) =>
    file !== null && Object.hasOwn(overlay, prefix + file) ? overlay[prefix + file]! : null;
  return releases.flatMap((release) => {
    const first = firstOf(release, known(release.release));
    // The file of a tag that moved is gone too: that is the one to be shown.
    if (!first || (first === release && known(first.file)?.state === "gone")) return [];
    const integrity = known(first.file)?.integrity ?? "";
    return [ours(name, first, integrityToHex(integrity, "sha1"), base)];
  });
}

/**
 * A tag that moved is shown as it stood first. Where that is no longer known it is not shown: lock files that name the
 * first commit install all the same. What is gone is shown to no resolver.
 */
function firstOf(release: Release, entry: Overlay[string] | null): Release | null {
  if (entry?.state === "gone") return null;
  if (entry?.state !== "tampered") return release;
  const place = isObject(entry.entry) ? placeOf(entry.entry) : null;
  return place && { ...place, data: entry.entry as Version };
}

/** `shasum`: of the bytes that we hold, or of those that were promised first. */
function ours(
  name: string,
  { data, ...place }: Place & { data: Version },
  shasum: string | null,
  base: string,
): Version {
  const version: Version = { ...data };
  // Who installs what is nobody's business.
  if (typeof version["notification-url"] === "string")
    version["notification-url"] = `${base}/downloads/`;
  if (!place.dist) return version;
  const { mirrors: _, ...dist } = data["dist"] as Record<string, unknown>;
  dist["url"] = distUrl(base, name, place);
  const known = shasum ?? place.dist.shasum;
  if (known !== null) dist["shasum"] = known;
  return { ...version, dist };
}
