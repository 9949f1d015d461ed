// What this format keeps of packages that are published here, and the documents that it makes of them. The views make the rest.
import semver from "semver";
import type { DocumentRef } from "../../core/document.ts";
import type { HostedFile, HostedPackage, HostedRelease } from "../../core/hosted.ts";
import { Problem } from "../../core/problem.ts";
import { isVersion, unscoped } from "./names.ts";
import { versionOfKey } from "./packument.ts";
import type { Manifest, Signature } from "./types.ts";

/** `HostedRelease.metadata`. */
export interface ReleaseMetadata {
  /** The package.json of the tarball, and what registries add; without `dist`. */
  manifest: Manifest;
  /** Empty when it has none. */
  readme: string;
}

/** `HostedFile.metadata` of a tarball. */
export interface TarballMetadata {
  integrity: string;
  /** SHA-1, hexadecimal. */
  shasum: string;
  fileCount: number;
  unpackedSize: number;
  signatures: Signature[];
}

/** Of the bundle that came beside a tarball: small, so that it is here as well. */
export interface ProvenanceMetadata {
  bundle: unknown;
}

/** Levels of a manifest or a bundle: documents hold them some levels down, and are read up to a depth of their own. */
export const NESTING = 100;

export interface Person {
  name: string;
  email: string;
}

/** `HostedPackage.state`. */
export interface PackageState {
  /** Versions, by tag. One may be gone. */
  tags?: Record<string, string>;
  maintainers?: Person[];
  /** Who starred it. */
  users?: Record<string, true>;
}

/** Beside the tarball of a version: the provenance bundles that came with it. */
export const provenanceFile = (name: string, version: string) =>
  `${unscoped(name)}-${version}.sigstore`;

export function stateOf({ state }: Pick<HostedPackage, "state">): PackageState {
  return state as PackageState;
}

/** Clients name it when they change something: another one after each change. */
export function revOf({ revision }: Pick<HostedPackage, "revision">): string {
  return `${revision}-holdfast`;
}

/** Null when the client has none (`undefined`, says npm). */
export function readRev(rev: string): number | null {
  const number = Number.parseInt(rev, 10);
  return Number.isNaN(number) ? null : number;
}

/** Tags that name a version which is there. There is always a latest one, since clients ask for it. */
export function tagsOf(hosted: HostedPackage): Record<string, string> {
  const versions = new Set(hosted.releases.map(({ version }) => version));
  const tags = Object.entries(stateOf(hosted).tags ?? {}).filter(([, version]) =>
    versions.has(version),
  );
  const shown = Object.fromEntries(tags);
  const newest = semver.rsort([...versions]);
  const latest = newest.find((version) => semver.prerelease(version) === null) ?? newest[0];
  return latest === undefined || shown["latest"] ? shown : { ...shown, latest };
}

/** `DocumentType.compose` of a packument, in full. A package without versions is as one that was unpublished. */
export function composePackument(hosted: HostedPackage): string {
  const { name, createdAt, changedAt, releases } = hosted;
  const { maintainers = [], users } = stateOf(hosted);
  const tags = tagsOf(hosted);
  const time: Record<string, unknown> = { created: iso(createdAt), modified: iso(changedAt) };
  const versions: Record<string, Manifest> = {};
  for (const release of releases) {
    const manifest = manifestOf(hosted, release);
    if (!manifest) continue;
    versions[release.version] = manifest;
    time[release.version] = iso(release.publishedAt);
  }
  if (releases.length === 0) time["unpublished"] = { time: iso(changedAt), versions: [] };
  const latest = releases.find(({ version }) => version === tags["latest"]);
  const { manifest, readme = "" } = (latest?.metadata ?? {}) as Partial<ReleaseMetadata>;
  const about = ["description", "keywords", "homepage", "repository", "bugs", "license", "author"];
  return JSON.stringify({
    _id: name,
    _rev: revOf(hosted),
    name,
    "dist-tags": tags,
    versions,
    time,
    maintainers,
    ...Object.fromEntries(
      about.flatMap((field) => (manifest?.[field] === undefined ? [] : [[field, manifest[field]]])),
    ),
    ...(users && { users }),
    readme,
  });
}

/** `DocumentType.compose` of the document of one version. */
export function composeVersion(hosted: HostedPackage, ref: DocumentRef): string {
  const version = versionOfKey(ref);
  const release = hosted.releases.find((one) => one.version === version);
  const manifest = release && manifestOf(hosted, release);
  if (!manifest) throw new Problem("notFound", `${hosted.name} has no version ${version}`);
  return JSON.stringify(manifest);
}

function manifestOf(hosted: HostedPackage, release: HostedRelease): Manifest | null {
  const tarball = release.files.find(({ kind }) => kind === "tarball");
  if (!tarball) return null;
  const { manifest } = release.metadata as ReleaseMetadata;
  const { maintainers = [] } = stateOf(hosted);
  const hasProvenance = release.files.some(({ kind }) => kind === "provenance");
  const deprecated = deprecationOf(release);
  return {
    ...manifest,
    ...(deprecated && { deprecated }),
    maintainers,
    dist: { ...distOf(tarball), ...(hasProvenance && { attestations: attestationsOf() }) },
  };
}

/** What clients warn with; empty for none. They have no other word for a version that was yanked. */
export function deprecationOf({ metadata, yanked }: HostedRelease): string {
  const { deprecated = "" } = (metadata as ReleaseMetadata).manifest;
  return String(deprecated) || (yanked === null ? "" : yanked || "yanked");
}

/** Without `tarball`, which the views say. */
function distOf({ metadata }: HostedFile) {
  const { integrity, shasum, fileCount, unpackedSize, signatures } = metadata as TarballMetadata;
  return { integrity, shasum, fileCount, unpackedSize, ...(signatures.length && { signatures }) };
}

/** The views put our address in place of this one. */
function attestationsOf() {
  return {
    url: "https://localhost/",
    provenance: { predicateType: "https://slsa.dev/provenance/v1" },
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

/** Whether it is a version that can be published: as semver writes it, without build metadata, of which two would be one. */
export function isPublishable(version: string): boolean {
  return isVersion(version) && semver.valid(version) === version;
}
