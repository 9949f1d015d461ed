// A packument as this server shows it, in document order: our URLs, first digests, and what the upstream took away.
import type { Overlay, OverlayEntry, StoredDocument } from "../../core/document.ts";
import { compareIntegrity } from "../../core/integrity.ts";
import { type Withholding, withholdingOf } from "../../core/policy.ts";
import { integrityOf, isKeptEntry, ourDist, pinnedDist, placeOf } from "./dist.ts";
import { distOf, type PackumentPart, readPackument, timeOf } from "./packument.ts";
import { isObject, type Manifest } from "./types.ts";
import { type PolicyRestrictions, repointTags, restrictionsOf, shownTimes } from "./withheld.ts";

export type ShownPart =
  | { kind: "field"; key: string; value: unknown }
  | { kind: "versions" }
  | { kind: "version"; version: string; file: string; manifest: Manifest }
  | { kind: "versionsEnd" }
  /** Last: what can only be said when all versions are known. Null where the document has none. */
  | {
      kind: "end";
      tags: Record<string, unknown> | null;
      time: Record<string, unknown> | null;
      /** Null where nothing is withheld. */
      restrictions: PolicyRestrictions | null;
    };

/** A version's file and manifest, as clients see them. */
export interface Shown {
  file: string;
  manifest: Manifest;
}

/** What is known beyond the newest document, by what it is looked up by. */
export interface Known {
  overlay: Overlay;
  /** Files that the upstream no longer names, by version. */
  gone: Map<string, { file: string; entry: OverlayEntry }>;
}

export function readOverlay(overlay: Overlay): Known {
  const gone: Known["gone"] = new Map();
  for (const [file, entry] of Object.entries(overlay))
    if (entry.state === "gone") gone.set(entry.version, { file, entry });
  return { overlay, gone };
}

/**
 * Some at a time: the parts of a packument but `dist-tags` and `time`, which come with the end. A version that went is shown as deprecated, and one that
 * policy withholds is not shown.
 */
export async function* showPackument(
  document: StoredDocument,
  base: string,
): AsyncGenerator<ShownPart[]> {
  const { ref } = document;
  const known = readOverlay(document.overlay);
  /** Whether each is deprecated. */
  const shown = new Map<string, boolean>();
  const hidden = new Map<string, Withholding>();
  let hasVersions = false;
  let tags: unknown = null;
  let time: unknown = null;

  function* missing(): Generator<ShownPart> {
    for (const [version, { file, entry }] of known.gone) {
      if (shown.has(version) || hidden.has(version) || !isKeptEntry(entry.entry)) continue;
      const kept = entry.entry.manifest;
      const dist = ourDist(pinnedDist(kept.dist, entry), {
        base,
        name: ref.package,
        version,
        file,
      });
      yield* showVersion(version, file, { ...removed(kept, entry), dist });
    }
  }

  function* showVersion(version: string, file: string, manifest: Manifest): Generator<ShownPart> {
    const why = withholdingOf(document.withheld, file);
    if (why) hidden.set(version, why);
    else {
      shown.set(version, !!manifest.deprecated);
      yield { kind: "version", version, file, manifest };
    }
  }

  function* show(part: PackumentPart): Generator<ShownPart> {
    if (part.kind === "field" && part.key === "dist-tags") tags = part.value;
    else if (part.kind === "field" && part.key === "time") time = part.value;
    else if (part.kind === "version") {
      const ours = showManifest(ref.package, part.version, part.manifest, known, base);
      if (!ours) return;
      yield* showVersion(part.version, ours.file, ours.manifest);
    } else {
      if (part.kind === "versions") hasVersions = true;
      if (part.kind === "versionsEnd") yield* missing();
      yield part;
    }
  }

  for await (const batch of readPackument(document.source, ref))
    yield batch.flatMap((part) => [...show(part)]);
  const last: ShownPart[] = [];
  if (!hasVersions && known.gone.size)
    last.push({ kind: "versions" }, ...missing(), { kind: "versionsEnd" });
  last.push({
    kind: "end",
    tags: showTags(tags, hidden, shown),
    time: shownTimes(showTime(time, known, shown), hidden),
    restrictions: restrictionsOf(ref.package, hidden),
  });
  yield last;
}

/** A manifest of the upstream's document with our URLs and the first digests; null when it has no usable file name. */
export function showManifest(
  name: string,
  version: string,
  manifest: Manifest,
  known: Known,
  base: string,
): Shown | null {
  const dist = distOf(manifest);
  const place = placeOf(name, version, dist);
  if (!place) return null;
  let { file } = place;
  let first = Object.hasOwn(known.overlay, file) ? known.overlay[file]! : null;
  // The same version with other bytes under another file name is the same lie: its first file stays its file.
  const moved = known.gone.get(version);
  if (moved && compareIntegrity(moved.entry.integrity, integrityOf(dist)) === "different") {
    file = moved.file;
    first = { ...moved.entry, state: "tampered" };
  }
  const honest = first?.state === "tampered" ? pinnedDist(dist, first) : dist;
  const ours = { ...manifest, dist: ourDist(honest, { base, name, version, file }) };
  return { file, manifest: first?.state === "gone" ? removed(ours, first) : ours };
}

/** Deprecated, so that resolvers avoid it while lock files still install. */
function removed(manifest: Manifest, { since }: OverlayEntry): Manifest {
  const note = `Removed upstream (first noticed ${since}): kept by this server for lock files that name it`;
  const before = manifest.deprecated;
  const said = typeof before === "string" && before !== "";
  return { ...manifest, deprecated: said ? `${note}. Deprecated before: ${before}` : note };
}

/** Tags that name a version which is shown: npm reports a missing version for any other. */
function showTags(
  tags: unknown,
  hidden: ReadonlyMap<string, Withholding>,
  shown: ReadonlyMap<string, boolean>,
): Record<string, unknown> | null {
  if (!isObject(tags)) return null;
  const led = hidden.size === 0 ? tags : repointTags(tags, hidden, shown);
  return Object.fromEntries(
    Object.entries(led).filter(([, version]) => typeof version === "string" && shown.has(version)),
  );
}

function showTime(
  time: unknown,
  known: Known,
  shown: ReadonlyMap<string, boolean>,
): Record<string, unknown> | null {
  if (!isObject(time)) return null;
  const all = { ...time };
  for (const [version, { entry }] of known.gone) {
    const published = isKeptEntry(entry.entry) ? entry.entry.time : null;
    if (published && shown.has(version) && timeOf(all, version) === null) all[version] = published;
  }
  return all;
}
