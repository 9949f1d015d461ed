// What this format keeps of packages that are published here, and the documents that it makes of them. The views make the rest.
import type { DocumentRef } from "../../core/document.ts";
import type { HostedFile, HostedPackage, HostedRelease } from "../../core/hosted.ts";
import { Problem } from "../../core/problem.ts";
import { versionPart } from "./dist.ts";
import { isAbandoned } from "./manifest.ts";
import { isBranch, normalizeVersion } from "./normalize.ts";
import type { Version } from "./types.ts";

/** `HostedFile.metadata` of a dist. A branch has one with each commit, so that all is said of the file, and nothing of the release. */
export interface DistMetadata {
  normalized: string;
  /** What of the composer.json is told. */
  manifest: Version;
  /** Hexadecimal; null where it was not told when the bytes were made. */
  sha1: string | null;
  /** The commit, or what stands for it; null for a release that was made of none, which is one archive for ever. */
  reference: string | null;
  source: Source | null;
  /** Of the commit, ISO 8601; without it, when it was published. */
  time?: string;
}

export interface Source {
  type: string;
  url: string;
  reference: string;
}

/** `HostedPackage.state`. */
export interface PackageState {
  /** By the normalized name of a branch as it stands in its file's name: the file that it is at now. */
  heads?: Record<string, string>;
  /** True, or the package to use in its place. */
  abandoned?: true | string;
}

/** The documents of a package that is published here. Both are its own, so that both change with it. */
export function hostedRef(name: string, dev: boolean): DocumentRef {
  return { kind: dev ? "dev" : "package", key: name, package: name, path: "" };
}

/** `<version>/<reference>.zip`, as in our URLs. */
export function distFile(normalized: string, reference: string | null): string {
  return `${versionPart(normalized)}/${reference ?? ""}.zip`;
}

/** `DocumentType.compose` of releases, or of branches. */
export function composePackage(hosted: HostedPackage, { kind, key }: DocumentRef): string {
  return JSON.stringify({ packages: { [key]: hostedVersions(hosted, key, kind === "dev") } });
}

/** Newest first. One that was yanked is shown to no resolver, and stays for lock files. */
export function hostedVersions(hosted: HostedPackage, name: string, dev: boolean): Version[] {
  const state = hosted.state as PackageState;
  return hosted.releases.toReversed().flatMap((release) => {
    const dist = release.yanked === null ? currentOf(release, state) : null;
    if (!dist || isBranch(metadataOf(dist).normalized) !== dev) return [];
    return [versionOf(name, release, dist, state)];
  });
}

/** Null for one whose files were taken away, or are told under another spelling of its version. */
function currentOf({ files }: HostedRelease, { heads = {} }: PackageState): HostedFile | null {
  const newest = files.at(-1);
  if (!newest) return null;
  const head = heads[versionPart(metadataOf(newest).normalized)];
  return files.find(({ file }) => file === head) ?? newest;
}

function metadataOf({ metadata }: HostedFile): DistMetadata {
  return metadata as DistMetadata;
}

function versionOf(
  name: string,
  { version }: HostedRelease,
  dist: HostedFile,
  { abandoned }: PackageState,
): Version {
  const { manifest, normalized, sha1, reference, source, time } = metadataOf(dist);
  return {
    ...manifest,
    name,
    version,
    version_normalized: normalized,
    ...(source && { source }),
    // The views say where it is.
    dist: { type: "zip", url: "https://localhost/", reference, ...(sha1 && { shasum: sha1 }) },
    time: time ?? new Date(dist.publishedAt).toISOString().replace(/\.\d+Z$/, "+00:00"),
    ...(abandoned !== undefined && { abandoned }),
  };
}

/** See `Format.promoted`: a branch is there at the commit that it is at here. */
export function promotedState(
  before: Record<string, unknown>,
  from: Record<string, unknown>,
  version: string,
): Record<string, unknown> {
  const part = versionPart(normalizeVersion(version) ?? version);
  const head = (from as PackageState).heads?.[part];
  return head === undefined ? before : withHead(before, part, head);
}

/** The branch is at this file from now on. */
export function withHead(
  before: Record<string, unknown>,
  part: string,
  file: string,
): Record<string, unknown> {
  const { heads } = before as PackageState;
  return { ...before, heads: { ...heads, [part]: file } };
}

/** See `Format.abandoned`. */
export function abandonedState(
  before: Record<string, unknown>,
  abandoned: boolean | string,
): Record<string, unknown> {
  const { abandoned: _, ...rest } = before as PackageState;
  if (!isAbandoned(abandoned))
    throw new Problem(
      "badRequest",
      `${JSON.stringify(abandoned)} is no name of a package that could be used in its place`,
    );
  if (abandoned === false) return rest;
  return { ...rest, abandoned: abandoned === true ? true : abandoned.toLowerCase() };
}
