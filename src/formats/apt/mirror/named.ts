// What the remembered releases of all suites name: the measure of what may be removed.
import type { StoredArtifactRow } from "../../../core/artifact.ts";
import { Problem } from "../../../core/problem.ts";
import { type Generation, releaseRef } from "../documents.ts";
import { currentRelease, earlierReleases, knownSuites } from "../generations.ts";
import { ALGORITHMS, isHash } from "../hashes.ts";
import { isSums, sumsOf } from "../images.ts";
import { indexArtifact } from "../index-artifact.ts";
import { indexName, namesFiles } from "../index-names.ts";
import type { AptRepository } from "../memory.ts";
import { poolPath, useLookup } from "../pool.ts";
import type { Release } from "../release.ts";
import { byPreference } from "./indices.ts";
import { rowsOf } from "./rows.ts";

/** A file's name in the catalog after its bytes were accepted in place of others. */
const REPLACED_NAME = /@[0-9a-f]{16}$/;

/** An index, and not a pool file: those are known by their hash, which has no folder and no name's end. */
export function isIndex({ file }: Pick<StoredArtifactRow, "file">): boolean {
  return ALGORITHMS.some((algorithm) => isHash(algorithm, file));
}

/**
 * The stored files that no remembered release of any suite names, by the indices that are stored. Throws a Problem when a release or an index that is
 * needed to know cannot be read: what is not understood names everything.
 */
export async function unnamed(
  repository: AptRepository,
  rows: readonly StoredArtifactRow[],
): Promise<StoredArtifactRow[]> {
  const suites = await knownSuites(repository);
  const indices = Map.groupBy(rows.filter(isIndex), (row) => row.package);
  for (const suite of indices.keys())
    if (!suites.has(suite))
      throw new Problem("notFound", `Indices of ${suite} are stored, and no release of it is`);
  if (suites.size === 0 && rows.length > 0)
    throw new Problem("notFound", "No release of any suite is stored");

  const rest = candidates(rows);
  for (const suite of suites) {
    const stored = new Map((indices.get(suite) ?? []).map((row) => [row.file, row]));
    const releases = await releasesOf(repository, suite);
    await complete(repository, suite, releases[0]!, stored);
    const wanted = new Map<string, { path: string; release: Release }>();
    for (const release of releases)
      for (const [path, { hash }] of release.files) {
        rest.indices.delete(`${suite}\0${hash}`);
        if (stored.has(hash) && namesFiles(path)) wanted.set(hash, { path, release });
      }
    for (const release of releases) await strikeImages(repository, suite, release, stored, rest);
    for (const index of wanted.values())
      await useLookup(repository, { suite, ...index }, async (file) => {
        for await (const group of rowsOf(file))
          for (const row of group) rest.strike(suite, row.path, row.sha256);
      });
  }
  return [...rest.indices.values(), ...rest.files()];
}

/** Images of the installer, which lists of the release name. Without its list none of them was fetched. */
async function strikeImages(
  repository: AptRepository,
  suite: string,
  release: Release,
  stored: ReadonlyMap<string, StoredArtifactRow>,
  rest: { indices: Map<string, StoredArtifactRow> },
): Promise<void> {
  for (const [path, { hash }] of release.files)
    if (isSums(path) && stored.has(hash))
      for (const image of (await sumsOf(repository, suite, release, path)).values())
        rest.indices.delete(`${suite}\0${image}`);
}

function candidates(rows: readonly StoredArtifactRow[]) {
  const indices = new Map<string, StoredArtifactRow>();
  const pool = new Map<string, Set<StoredArtifactRow>>();
  const add = (path: string, row: StoredArtifactRow) => {
    const same = pool.get(path);
    if (same) same.add(row);
    else pool.set(path, new Set([row]));
  };
  const named = new Set<StoredArtifactRow>();
  for (const row of rows) {
    if (isIndex(row)) indices.set(`${row.package}\0${row.file}`, row);
    else {
      add(row.file, row);
      if (REPLACED_NAME.test(row.file)) add(row.file.replace(REPLACED_NAME, ""), row);
    }
  }
  return {
    indices,
    /** `path` as the lookup file of a suite has it. Without a hash whatever bytes are stored under it are named. */
    strike(suite: string, path: string, sha256: string | null): void {
      for (const name of new Set([path, poolPath(suite, path), below(suite, path)]))
        for (const row of pool.get(name) ?? [])
          if (sha256 === null || row.sha256 === sha256) named.add(row);
    },
    files: () => rows.filter((row) => !isIndex(row) && !named.has(row)),
  };
}

/** Clients may ask for a flat suite's files from its folder or from the root. See `poolPath`. */
function below(suite: string, path: string): string {
  return path.startsWith(`${suite}/`) ? path.slice(suite.length + 1) : path;
}

/** All that is remembered of a suite: both forms of the release in service, and the ones before. */
export async function releasesOf(repository: AptRepository, suite: string): Promise<Release[]> {
  const current = await currentRelease(repository, suite, "stored");
  const releases = [current.generation.release];
  for (const kind of ["inrelease", "release"] as const) {
    if (kind === current.kind) continue;
    const keys = await repository.documents(kind, suite, Number.MAX_SAFE_INTEGER);
    if (!keys.includes(suite)) continue;
    const { model } = await repository.model<Generation>(releaseRef(kind, suite), "stored");
    releases.push(model.release);
  }
  for (const { release } of await earlierReleases(repository, suite)) releases.push(release);
  return releases;
}

/**
 * Of each index that was ever fetched of the suite, the release in service must have its own, in some form: without it, all that it alone names would
 * look like nobody's. What lacks is fetched.
 */
async function complete(
  repository: AptRepository,
  suite: string,
  release: Release,
  stored: Map<string, StoredArtifactRow>,
): Promise<void> {
  const used = new Set<string>();
  for (const { version } of stored.values())
    if (namesFiles(version)) used.add(indexName(version).plain);
  const forms = Map.groupBy(
    [...release.files.keys()].filter((path) => namesFiles(path) && used.has(indexName(path).plain)),
    (path) => indexName(path).plain,
  );
  for (const paths of forms.values()) {
    if (paths.some((path) => stored.has(release.files.get(path)!.hash))) continue;
    const { sha256, path } = await fetchOne(repository, suite, release, paths);
    const { hash } = release.files.get(path)!;
    const row = { package: suite, version: path, file: hash, sha256, size: 0, fetchedAt: 0 };
    stored.set(hash, row);
  }
}

async function fetchOne(
  repository: AptRepository,
  suite: string,
  release: Release,
  paths: readonly string[],
): Promise<{ sha256: string; path: string }> {
  let reason = "";
  for (const path of [...paths].sort(byPreference)) {
    try {
      const { sha256 } = await repository.fetch(indexArtifact(suite, release, path));
      return { sha256, path };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      reason = error.message;
    }
  }
  throw new Problem(
    "notFound",
    `The newest ${indexName(paths[0]!).plain} of ${suite} is not stored and cannot be had (${reason}), so what it names cannot be known`,
  );
}
