// The views of stored documents: full and abbreviated packuments, single manifests, tags, what search and signatures need.
// npm/registry docs/responses/package-metadata.md
import type { StoredDocument, ViewRequest } from "../../core/document.ts";
import { blockedBy, NOTHING_WITHHELD } from "../../core/policy.ts";
import { Problem } from "../../core/problem.ts";
import { isVersion } from "./names.ts";
import { readManifest, timeOf, versionOfKey } from "./packument.ts";
import { searchEntry } from "./searchentry.ts";
import { readOverlay, type ShownPart, showManifest, showPackument } from "./shown.ts";
import { signedFile } from "./signatures.ts";
import type { Manifest } from "./types.ts";
import { refuseWithheld } from "./withheld.ts";

/**
 * "Each version object contains the following fields", and those that registries added since. All that an installer reads.
 */
const ABBREVIATED = [
  "name",
  "version",
  "deprecated",
  "dependencies",
  "optionalDependencies",
  "devDependencies",
  "bundleDependencies",
  "bundledDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "acceptDependencies",
  "bin",
  "directories",
  "dist",
  "engines",
  "os",
  "cpu",
  "libc",
  "funding",
  "hasInstallScript",
  "_hasShrinkwrap",
] as const;

const CHUNK = 64 * 1024;
const SEARCHED = new Set(["description", "keywords", "readme"]);
const README = 16 * 1024;

/** The views of a packument, by variant. */
export function renderPackument(
  document: StoredDocument,
  view: ViewRequest,
): AsyncIterable<string> {
  const [kind, rest] = split(view.variant);
  if (kind === "full") return joined(full(document, view.base));
  if (kind === "abbreviated") return joined(abbreviated(document, view.base, rest === "time"));
  if (kind === "dist-tags") return once(distTags(document));
  if (kind === "version") return once(manifest(document, view.base, rest));
  if (kind === "search") return once(search(document, view.base));
  if (kind === "words") return once(words(document));
  if (kind === "file") return once(file(document, rest));
  throw new Problem("notFound", `A packument has no view ${view.variant}`);
}

/** The views of a version document: "version/<version>" and "file/<file>". */
export function renderManifest(document: StoredDocument, view: ViewRequest): AsyncIterable<string> {
  return once(manifestView(document, view));
}

async function manifestView(document: StoredDocument, view: ViewRequest): Promise<unknown> {
  const { ref, source, overlay } = document;
  const [kind, rest] = split(view.variant);
  const version = versionOfKey(ref);
  const manifest = await readManifest(source, ref);
  const shown = showManifest(ref.package, version, manifest, readOverlay(overlay), view.base);
  if (kind === "version" && rest === version && shown) {
    refuseWithheld(document.withheld, shown.file);
    return shown.manifest;
  }
  if (kind === "file" && rest === shown?.file) return signedFile(version, shown.manifest, null);
  throw new Problem("notFound", `The manifest of ${ref.key} has no view ${view.variant}`);
}

async function* full(document: StoredDocument, base: string): AsyncGenerator<string> {
  yield "{";
  const member = separator();
  let version = separator();
  function* show(part: ShownPart): Generator<string> {
    if (part.kind === "field")
      yield `${member()}${JSON.stringify(part.key)}:${JSON.stringify(part.value)}`;
    else if (part.kind === "versions") yield `${member()}"versions":{`;
    else if (part.kind === "version")
      yield `${version()}${JSON.stringify(part.version)}:${JSON.stringify(part.manifest)}`;
    else if (part.kind === "versionsEnd") {
      yield "}";
      version = separator();
    } else {
      if (part.tags) yield `${member()}"dist-tags":${JSON.stringify(part.tags)}`;
      if (part.time) yield `${member()}"time":${JSON.stringify(part.time)}`;
      if (part.restrictions)
        yield `${member()}"policyRestrictions":${JSON.stringify(part.restrictions)}`;
    }
  }
  for await (const batch of showPackument(document, base))
    for (const part of batch) yield* show(part);
  yield "}\n";
}

/** `time` is no part of the specified form, but clients with a release-age rule ask for this form and need it. */
async function* abbreviated(
  document: StoredDocument,
  base: string,
  withTime: boolean,
): AsyncGenerator<string> {
  yield `{"name":${JSON.stringify(document.ref.package)}`;
  const version = separator();
  let modified: unknown;
  function show(part: ShownPart): string {
    if (part.kind === "field" && part.key === "modified") modified = part.value;
    if (part.kind === "versions") return `,"versions":{`;
    if (part.kind === "version")
      return `${version()}${JSON.stringify(part.version)}:${JSON.stringify(abbreviate(part.manifest))}`;
    if (part.kind === "versionsEnd") return "}";
    if (part.kind !== "end") return "";
    const { tags, time, restrictions } = part;
    modified = time?.["modified"] ?? modified;
    return [
      tags ? `,"dist-tags":${JSON.stringify(tags)}` : "",
      modified === undefined ? "" : `,"modified":${JSON.stringify(modified)}`,
      withTime && time ? `,"time":${JSON.stringify(time)}` : "",
      restrictions ? `,"policyRestrictions":${JSON.stringify(restrictions)}` : "",
    ].join("");
  }
  for await (const batch of showPackument(document, base)) yield batch.map(show).join("");
  yield "}\n";
}

function abbreviate(manifest: Manifest): Manifest {
  const short: Record<string, unknown> = {};
  for (const field of ABBREVIATED)
    if (manifest[field] !== undefined) short[field] = manifest[field];
  if (short["hasInstallScript"] === undefined && hasInstallScript(manifest))
    short["hasInstallScript"] = true;
  return short;
}

/** Where only the full form was given. Clients skip building what does not say so. */
function hasInstallScript({ scripts, gypfile }: Manifest): boolean {
  if (gypfile === true) return true;
  return !!(scripts?.["preinstall"] || scripts?.["install"] || scripts?.["postinstall"]);
}

async function distTags(document: StoredDocument): Promise<unknown> {
  const { tags } = await endOf(document);
  if (!tags) throw new Problem("notFound", `${document.ref.package} has no dist-tags`);
  return tags;
}

async function manifest(document: StoredDocument, base: string, wanted: string): Promise<Manifest> {
  let version: unknown = wanted;
  if (!isVersion(wanted)) {
    const { tags } = await endOf(document);
    version = tags && Object.hasOwn(tags, wanted) ? tags[wanted] : null;
  }
  for (const why of Object.values(document.withheld ?? {}))
    if (why.version === version) throw blockedBy(why);
  for await (const batch of showPackument(document, base))
    for (const part of batch)
      if (part.kind === "version" && part.version === version) return part.manifest;
  throw new Problem("notFound", `${document.ref.package} has no version or tag ${wanted}`);
}

async function search(document: StoredDocument, base: string): Promise<unknown> {
  const { time } = await endOf(document);
  return searchEntry(document.ref.package, await manifest(document, base, "latest"), time);
}

/** What a search looks in beside the name: lower case, of the latest version, and of its readme the beginning. */
async function words(document: StoredDocument): Promise<string> {
  const texts: unknown[] = [];
  for await (const batch of showPackument(document, ""))
    for (const part of batch)
      if (part.kind === "field" && SEARCHED.has(part.key)) texts.push(part.value);
  return texts
    .flat()
    .map((text) => String(text).slice(0, README))
    .join(" ")
    .toLowerCase();
}

async function file(document: StoredDocument, wanted: string): Promise<unknown> {
  let found: (ShownPart & { kind: "version" }) | null = null;
  // What is held is still checked by what the document says of it.
  for await (const batch of showPackument({ ...document, withheld: NOTHING_WITHHELD }, ""))
    for (const part of batch) {
      if (part.kind === "version" && part.file === wanted) found = part;
      if (part.kind === "end" && found)
        return signedFile(found.version, found.manifest, timeOf(part.time, found.version));
    }
  throw new Problem("notFound", `No version of ${document.ref.package} has the file ${wanted}`);
}

async function endOf(document: StoredDocument): Promise<ShownPart & { kind: "end" }> {
  let end: (ShownPart & { kind: "end" }) | null = null;
  for await (const batch of showPackument(document, ""))
    for (const part of batch) if (part.kind === "end") end = part;
  return end!;
}

/** "version/1.0.0" → ["version", "1.0.0"] */
function split(variant: string): [kind: string, rest: string] {
  const slash = variant.indexOf("/");
  return slash < 0 ? [variant, ""] : [variant.slice(0, slash), variant.slice(slash + 1)];
}

/** Nothing the first time, then a comma. */
function separator(): () => string {
  let first = true;
  return () => {
    const text = first ? "" : ",";
    first = false;
    return text;
  };
}

async function* once(value: Promise<unknown>): AsyncGenerator<string> {
  yield `${JSON.stringify(await value)}\n`;
}

/** Few large pieces: each one costs a turn of the loop further on. */
async function* joined(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let parts: string[] = [];
  let size = 0;
  for await (const piece of pieces) {
    parts.push(piece);
    size += piece.length;
    if (size < CHUNK) continue;
    yield parts.join("");
    parts = [];
    size = 0;
  }
  if (parts.length) yield parts.join("");
}
