// What is in a suite, and how that changes. A suite is a package that the server itself publishes, under the name of its folder; each of its releases
// is a generation.
import type { PackageFile } from "../../../core/hosting.ts";
import type { FileMetadata, Listed } from "./place.ts";
import { compareVersions } from "./version.ts";

export interface SuiteState {
  /** Of the release in service. */
  generation: string;
  /** What clients get as InRelease. */
  inrelease: string;
  /** When it was made, as it says. Milliseconds since the epoch. */
  at: number;
  /** What it was made of, as a digest. */
  made: string;
  /** Paths of the packages that belong to the suite, sorted. Files that were removed stay here, and come back when they are restored. */
  members: string[];
}

/** What of a generation is kept beside its files. */
export interface GenerationMetadata {
  /** The Release. */
  text: string;
  at: number;
}

export interface Edit {
  add?: readonly string[];
  drop?: readonly string[];
  /** Who did what, for the audit log, where nobody published. */
  why?: string;
}

/** A file that a suite can list. */
export interface Member extends PackageFile {
  metadata: Listed & { kind: "deb" | "dsc" };
}

export function suiteFolder(suite: string): string {
  return `dists/${suite}`;
}

/** Of the folder; of another one something that is no suite. */
export function suiteName(folder: string): string {
  return folder.startsWith("dists/") ? folder.slice("dists/".length) : "";
}

/** By path, of all that is published in the repository, what suites can list. */
export function membersOf(files: readonly PackageFile[]): Map<string, Member> {
  const isMember = (file: PackageFile): file is Member =>
    (file.metadata as FileMetadata | null)?.kind === "deb" ||
    (file.metadata as FileMetadata | null)?.kind === "dsc";
  return new Map(files.filter(isMember).map((file) => [file.file, file]));
}

/** Edits one after the other; then only the `keep` latest versions of each package, for each architecture. Pure. */
export function editedMembers(
  before: readonly string[],
  edits: readonly Edit[],
  known: ReadonlyMap<string, Member>,
  keep: number | undefined,
): string[] {
  const members = new Set(before);
  for (const { add = [], drop = [] } of edits) {
    for (const path of drop) members.delete(path);
    for (const path of add) members.add(path);
  }
  if (keep !== undefined) for (const path of beyond(members, known, keep)) members.delete(path);
  return [...members].sort();
}

function beyond(
  members: ReadonlySet<string>,
  known: ReadonlyMap<string, Member>,
  keep: number,
): string[] {
  const groups = new Map<string, Member[]>();
  for (const path of members) {
    const member = known.get(path);
    if (!member) continue;
    const { package: name, architecture } = member.metadata;
    const key = `${name} ${architecture}`;
    groups.set(key, [...(groups.get(key) ?? []), member]);
  }
  return [...groups.values()].flatMap((group) => {
    const latest = group.sort((a, b) => compareVersions(b.metadata.version, a.metadata.version));
    return latest.slice(keep).map(({ file }) => file);
  });
}
