// The documents of packages as clients see them: our URLs, first commits, known digests, and nothing that the upstream took away.
// https://getcomposer.org/doc/05-repositories.md#metadata-url-available-packages-and-available-package-patterns
import type { Overlay, StoredDocument, ViewRequest } from "../../core/document.ts";
import { integrityToHex } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import { DEFAULT_BRANCH, distUrl, type Place, placeOf } from "./dist.ts";
import { MINIFIED, minify } from "./minify.ts";
import { isBranch } from "./normalize.ts";
import { isObject, type Version } from "./types.ts";
import {
  packagesIn,
  type Release,
  readPackage,
  readPackages,
  readProvided,
  readVersions,
} from "./versions.ts";
import { leaveOut, withWords } from "./withheld.ts";

/** After the name of a view: versions with a dist do not tell their source. */
export const WITHOUT_SOURCES = "#dists";

/** A package's own document: the view "package". */
export async function* renderPackage(
  { ref, source, overlay, withheld }: StoredDocument,
  view: ViewRequest,
): AsyncGenerator<string> {
  const { variant, hasSources } = readVariant(view.variant);
  if (variant !== "package")
    throw new Problem("notFound", `The document of ${ref.key} has no view ${variant}`);
  const { releases, extras } = await readPackage(source, ref.key);
  const { left, told } = leaveOut(releases, withheld);
  const shown = shownOf(ref.key, left, overlay, view.base);
  const words = withWords(extras, ref.kind === "dev" ? [] : told);
  yield written(ref.key, hasSources ? shown : shown.map(withoutSource), words);
}

/** A document of Composer 1, which has releases and branches: the views "package", and "dev" for its branches. */
export async function* renderProvided(
  { ref, source, overlay, withheld }: StoredDocument,
  view: ViewRequest,
): AsyncGenerator<string> {
  const { variant, hasSources } = readVariant(view.variant);
  if (variant !== "package" && variant !== "dev")
    throw new Problem("notFound", `The document of ${ref.key} has no view ${variant}`);
  const { releases } = await readProvided(source, ref.key);
  const wanted = releases.filter(({ normalized }) => isBranch(normalized) === (variant === "dev"));
  const { left, told } = leaveOut(wanted, withheld);
  const shown = shownOf(ref.key, left, overlay, view.base);
  const words = withWords({}, variant === "dev" ? [] : told);
  yield written(ref.key, hasSources ? shown : shown.map(withoutSource), words);
}

/** One package of a document that holds many: the views "package/<name>", and "dev/<name>" for its branches. */
export async function* renderMany(
  { ref, source, overlay, withheld }: StoredDocument,
  view: ViewRequest,
): AsyncGenerator<string> {
  const { variant, hasSources } = readVariant(view.variant);
  const [, kind, name = ""] = /^(package|dev)\/(.*)$/.exec(variant) ?? [];
  const packages = readPackages(packagesIn(await source.json()));
  if (kind === undefined || !packages.has(name))
    throw new Problem("notFound", `The upstream's ${ref.key} has no package ${name}`);
  const releases = readVersions(name, packages.get(name), false).releases.filter(
    ({ normalized }) => isBranch(normalized) === (kind === "dev"),
  );
  const { left, told } = leaveOut(releases, withheld, `${name}/`);
  const shown = shownOf(name, left, overlay, view.base, `${name}/`);
  const words = withWords({}, kind === "dev" ? [] : told);
  yield written(name, hasSources ? shown : shown.map(withoutSource), words);
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
  const held = heldOf(overlay, prefix);
  const seen = new Set<string>();
  return releases.flatMap((release) => {
    // A release is one: the same version again, of another commit, would be a tag that moved without a trace.
    if (release.release !== null && seen.has(release.release)) return [];
    const first = firstOf(release, known(release.release));
    if (!first) return [];
    if (release.release !== null) seen.add(release.release);
    const shown = asHeld(first, held);
    // The file of a tag that moved is gone too: that is the one to be shown.
    const isMoved = first !== release || shown !== first;
    if (!isMoved && known(first.file)?.state === "gone") return [];
    const integrity = known(shown.file)?.integrity ?? "";
    return [ours(name, shown, integrityToHex(integrity, "sha1"), base)];
  });
}

/** By release, the file that its bytes are known of. */
function heldOf(overlay: Overlay, prefix: string): Map<string, string> {
  const held = new Map<string, string>();
  for (const [key, { state, integrity }] of Object.entries(overlay)) {
    if (!key.startsWith(prefix) || integrity === null || state === "tampered") continue;
    const file = key.slice(prefix.length);
    const [version, end] = file.split("/");
    if (end !== undefined && !held.has(version!)) held.set(version!, file);
  }
  return held;
}

/** A release that was fetched is that archive, however the upstream packs it or names its commit now. */
function asHeld(release: Release, held: ReadonlyMap<string, string>): Release {
  const { dist, file, data } = release;
  const other = release.release === null ? undefined : held.get(release.release);
  const [, part, type] = /\/([a-f0-9]*)\.([a-z]+)$/.exec(other ?? "") ?? [];
  if (!dist || other === undefined || other === file || part === undefined) return release;
  const reference = part === release.part ? dist.reference : part || null;
  const changed = { type: type!, url: dist.url, reference, shasum: null };
  const shown = { ...(data["dist"] as Version), type, reference };
  return { ...release, dist: changed, part, file: other, data: { ...data, dist: shown } };
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
  const { version_normalized: given } = data;
  if (given !== undefined && given !== DEFAULT_BRANCH)
    version["version_normalized"] = place.normalized;
  if (!place.dist) return version;
  const { mirrors: _, ...dist } = data["dist"] as Record<string, unknown>;
  dist["type"] = place.dist.type;
  dist["url"] = distUrl(base, name, place);
  const known = shasum ?? place.dist.shasum;
  if (known !== null) dist["shasum"] = known;
  return { ...version, dist };
}
