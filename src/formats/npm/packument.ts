// Reading stored documents: the files they name, and what is kept of a version for when it goes.
// npm/registry docs/responses/package-metadata.md
import type { DocumentRef, Fact, Source } from "../../core/document.ts";
import { readJsonObject } from "../../core/json-stream.ts";
import { Problem } from "../../core/problem.ts";
import { integrityOf, placeOf, rootOf } from "./dist.ts";
import { isVersionKey } from "./names.ts";
import { traitsOf } from "./traits.ts";
import { type Dist, isObject, type KeptEntry, type Manifest } from "./types.ts";

/** A packument in document order. What is not an object where one is due is left out; `versions` itself must be one. */
export type PackumentPart =
  | { kind: "field"; key: string; value: unknown }
  | { kind: "versions" }
  | { kind: "version"; version: string; manifest: Manifest }
  | { kind: "versionsEnd" };

/** Documents up to here are parsed whole and remembered; larger ones, and those of unknown size, one version at a time. */
const WHOLE_LIMIT = 12 * 1024 * 1024;

/** How many parts of a streamed document travel together: waiting for each one alone costs more than looking at it. */
const BATCH = 32;

/** Reads a packument of any size in flat memory, some parts at a time. Throws Problem("malformed") when it is not one of `ref.package`. */
export async function* readPackument(
  source: Source,
  ref: DocumentRef,
): AsyncGenerator<PackumentPart[]> {
  const whole = source.size !== null && source.size <= WHOLE_LIMIT;
  const batches = whole ? [[...wholeParts(await source.json())]] : streamedParts(source);
  let named = false;
  let hasVersions = false;
  let unpublished = false;
  for await (const batch of batches) {
    for (const part of batch) {
      if (part.kind === "versions") hasVersions = true;
      if (part.kind !== "field") continue;
      if (part.key === "versions") throw notA("packument", ref, "its versions are no object");
      if (part.key === "name" || part.key === "_id") named ||= part.value === ref.package;
      // An unpublished package keeps its name and `time.unpublished`, and nothing else.
      if (part.key === "time") unpublished = isObject(part.value) && "unpublished" in part.value;
    }
    yield batch;
  }
  if (!named) throw notA("packument", ref, "it names another package or none");
  if (!hasVersions && !unpublished) throw notA("packument", ref, "it has no versions");
}

function* wholeParts(document: unknown): Generator<PackumentPart> {
  if (!isObject(document)) throw new Problem("malformed", "The document is not a JSON object");
  for (const [key, value] of Object.entries(document)) {
    if (key !== "versions" || !isObject(value)) {
      yield { kind: "field", key, value };
      continue;
    }
    yield { kind: "versions" };
    for (const [version, manifest] of Object.entries(value))
      if (isManifest(version, manifest)) yield { kind: "version", version, manifest };
    yield { kind: "versionsEnd" };
  }
}

async function* streamedParts(source: Source): AsyncGenerator<PackumentPart[]> {
  let batch: PackumentPart[] = [];
  for await (const event of readJsonObject(source.chunks(), "versions")) {
    if (event.kind === "field") batch.push(event);
    else if (event.kind === "open") batch.push({ kind: "versions" });
    else if (event.kind === "close") batch.push({ kind: "versionsEnd" });
    else if (isManifest(event.key, event.value))
      batch.push({ kind: "version", version: event.key, manifest: event.value });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

function isManifest(version: string, value: unknown): value is Manifest {
  return isVersionKey(version) && isObject(value);
}

/** The files of a packument, each once. */
export async function packumentFacts(source: Source, ref: DocumentRef): Promise<Fact[]> {
  const facts = new Map<string, Fact>();
  const root = rootOf(ref);
  let time: unknown = null; // may stand before the versions or after them
  for await (const batch of readPackument(source, ref)) {
    for (const part of batch) {
      if (part.kind === "field" && part.key === "time") time = part.value;
      if (part.kind !== "version") continue;
      const fact = factOf(ref, part.version, part.manifest, root);
      if (fact && !facts.has(fact.file)) facts.set(fact.file, fact);
    }
  }
  return [...facts.values()].map((fact) => {
    const publishedAt = timeOf(time, fact.version);
    return publishedAt === null ? fact : { ...fact, publishedAt };
  });
}

/** What is to be kept of the versions whose files are asked for: KeptEntry by file. */
export async function packumentExtract(
  source: Source,
  ref: DocumentRef,
  files: ReadonlySet<string>,
): Promise<Record<string, unknown>> {
  const kept = new Map<string, KeptEntry & { version: string }>();
  let time: unknown = null;
  for await (const batch of readPackument(source, ref)) {
    for (const part of batch) {
      if (part.kind === "field" && part.key === "time") time = part.value;
      if (part.kind !== "version") continue;
      const { version, manifest } = part;
      const file = placeOf(ref.package, version, distOf(manifest))?.file;
      if (file && files.has(file) && !kept.has(file))
        kept.set(file, { version, manifest, time: null });
    }
  }
  const entries: Record<string, KeptEntry> = {};
  for (const [file, { version, manifest }] of kept)
    entries[file] = { manifest, time: timeOf(time, version) };
  return entries;
}

/** The manifest in a version document. Throws Problem("malformed") when it is not that of `ref.key`. */
export async function readManifest(source: Source, ref: DocumentRef): Promise<Manifest> {
  const manifest = await source.json();
  if (!isObject(manifest)) throw notA("manifest", ref, "it is no JSON object");
  if (`${manifest["name"]}@${manifest["version"]}` !== ref.key)
    throw notA("manifest", ref, "it names another release or none");
  return manifest;
}

/** The one file of a version document. */
export async function manifestFacts(source: Source, ref: DocumentRef): Promise<Fact[]> {
  const manifest = await readManifest(source, ref);
  const fact = factOf(ref, versionOfKey(ref), manifest, rootOf(ref));
  return fact ? [fact] : [];
}

export async function manifestExtract(
  source: Source,
  ref: DocumentRef,
  files: ReadonlySet<string>,
): Promise<Record<string, unknown>> {
  const manifest = await readManifest(source, ref);
  const file = placeOf(ref.package, versionOfKey(ref), distOf(manifest))?.file;
  return file && files.has(file) ? { [file]: { manifest, time: null } satisfies KeptEntry } : {};
}

/** The version of a version document's key, `name@version`. */
export function versionOfKey(ref: DocumentRef): string {
  return ref.key.slice(ref.package.length + 1);
}

export function distOf(manifest: Manifest): Dist {
  return isObject(manifest.dist) ? (manifest.dist as Dist) : {};
}

/** When a version was published, by a packument's `time`. */
export function timeOf(time: unknown, version: string): string | null {
  const value = isObject(time) && Object.hasOwn(time, version) ? time[version] : null;
  return typeof value === "string" ? value : null;
}

function factOf(
  ref: DocumentRef,
  version: string,
  manifest: Manifest,
  root: string | null,
): Fact | null {
  const dist = distOf(manifest);
  const place = placeOf(ref.package, version, dist, root);
  if (!place) return null;
  const fact: Fact = {
    file: place.file,
    version,
    integrity: integrityOf(dist),
    traits: traitsOf(manifest),
  };
  if (place.location !== null) fact.location = place.location;
  return fact;
}

function notA(what: string, ref: DocumentRef, why: string): Problem {
  return new Problem(
    "malformed",
    `The upstream's answer for ${ref.key} is not its ${what}: ${why}`,
  );
}
