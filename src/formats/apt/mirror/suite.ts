// The start of a suite's turn in a mirror run: its newest release and the indices that the mirror wants of it.
import { cannotAsk, Problem } from "../../../core/problem.ts";
import type { CacheStatus } from "../../../core/reply.ts";
import { heldOf } from "../accept.ts";
import { type Current, currentRelease } from "../generations.ts";
import { indexArtifact } from "../index-artifact.ts";
import { namesFiles } from "../index-names.ts";
import type { AptRepository } from "../memory.ts";
import type { MirrorOptions } from "../options.ts";
import { forgetIndices } from "../pool.ts";
import { dateText, type Release } from "../release.ts";
import { inFolder } from "../routes.ts";
import { wantedIndices } from "./indices.ts";
import type { Missing, Transferred, Wish } from "./transfer.ts";

/** The release that a run mirrors of a suite, to its end, whatever the upstream publishes meanwhile. */
export interface MirroredSuite {
  folder: string;
  release: Release;
  /** Packages and Sources that are stored: the path as the Release names it, and the hash. */
  naming: { path: string; sha256: string }[];
}

/** How often a suite is begun again because the upstream published while its indices were fetched. */
const BEGINNINGS = 3;

/** The folder of a suite as it stands in a client's sources: "bookworm", "stable/updates", "./", "ubuntu2204/x86_64/". */
export function folderOfSuite(suite: string): string {
  if (!suite.endsWith("/")) return `dists/${suite}`;
  return suite.replace(/^\.?\/+/, "").replace(/\/+$/, "") || ".";
}

/** What a run does for a suite's indices. */
export interface Fetching {
  /** Fetches those that are not stored. */
  fetch(wishes: Wish[]): Promise<Transferred>;
  missing(missing: Missing[]): void;
}

/** Null when the suite has no release here at all. What is missing is told. */
export async function beginSuite(
  repository: AptRepository,
  suite: string,
  plan: MirrorOptions,
  fetching: Fetching,
): Promise<MirroredSuite | null> {
  const folder = folderOfSuite(suite);
  for (let beginning = 1; ; beginning += 1) {
    let current: Current;
    try {
      current = await newest(repository, folder);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fetching.missing([{ path: inFolder(folder, "InRelease"), reason: error.message }]);
      return null;
    }
    const { release } = current.generation;
    const { found, absent } = wantedIndices(release.files.keys(), plan);
    const outcome = await fetching.fetch(
      [...found.values()].map((paths) => wishOf(folder, release, paths)),
    );
    forgetIndices(repository, folder);
    const isLast =
      beginning === BEGINNINGS || outcome.missing.length === 0 || outcome.ended !== null;
    if (!isLast && (await isReplaced(repository, folder, current))) continue;

    fetching.missing([
      ...(await staleness(repository, folder, current)),
      ...outcome.missing,
      ...absent.map((plain) => ({
        path: inFolder(folder, plain),
        reason: "the Release does not name it",
      })),
    ]);
    if (absent.length === 0 && ![...found.keys()].some(namesFiles))
      fetching.missing([
        { path: folder, reason: "its Release names no Packages that the mirror wants" },
      ]);
    const naming = await storedOnes(repository, folder, release, found);
    return { folder, release, naming };
  }
}

/** The upstream's newest; while it cannot be asked the one that is stored. */
async function newest(repository: AptRepository, folder: string): Promise<Current> {
  try {
    return await currentRelease(repository, folder, "now");
  } catch (error) {
    if (!cannotAsk(error)) throw error;
    try {
      const current = await currentRelease(repository, folder, "stored");
      const detail = error.kind as NonNullable<CacheStatus["detail"]>;
      return { ...current, cache: { ...current.cache, detail } };
    } catch {
      throw error;
    }
  }
}

/** The first of the paths, and the others for an upstream that names it and does not have it. */
function wishOf(folder: string, release: Release, [path, ...others]: string[]): Wish {
  return {
    path: inFolder(folder, path!),
    size: release.files.get(path!)!.size,
    artifact: indexArtifact(folder, release, path!),
    ...(others.length > 0 && { otherwise: wishOf(folder, release, others) }),
  };
}

/** Without by-hash the indices of a release are gone as soon as there is a newer one. */
async function isReplaced(
  repository: AptRepository,
  folder: string,
  before: Current,
): Promise<boolean> {
  try {
    const now = await currentRelease(repository, folder, "now");
    return now.generation.id !== before.generation.id;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return false;
  }
}

const STALE: Record<string, string> = {
  offline: "the repository is offline",
  unreachable: "the upstream cannot be reached",
  refused: "the upstream refuses to give it",
  malformed: "what the upstream gives is no usable release",
  tampered: "the newest one was refused, and the events tell why",
  full: "there is no space left",
};

/** A mirror that is whole and old is not what was asked for. */
async function staleness(
  repository: AptRepository,
  folder: string,
  { cache, generation }: Current,
): Promise<Missing[]> {
  if (!cache.detail) return [];
  const isHeld = cache.detail === "tampered" && (await heldOf(repository, folder)) !== null;
  const why = isHeld
    ? `the newest one changes packages under the same version, and is held until \`holdfast apt accept ${repository.name}\``
    : (STALE[cache.detail] ?? cache.detail);
  const date = dateText(generation.release.date);
  const reason = `${why}; the release of ${date} is mirrored`;
  return [{ path: inFolder(folder, "InRelease"), reason }];
}

async function storedOnes(
  repository: AptRepository,
  folder: string,
  release: Release,
  found: ReadonlyMap<string, string[]>,
): Promise<MirroredSuite["naming"]> {
  const rows = await repository.stored(folder);
  const stored = new Map(rows.map(({ file, sha256 }) => [file, sha256]));
  const naming: MirroredSuite["naming"] = [];
  for (const paths of found.values()) {
    const path = paths.find((path) => stored.has(release.files.get(path)!.hash));
    if (path && namesFiles(path))
      naming.push({ path, sha256: stored.get(release.files.get(path)!.hash)! });
  }
  return naming;
}
