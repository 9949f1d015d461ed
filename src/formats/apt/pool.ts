// Files that the indices name: packages and sources. Nothing is fetched of which no verified index gives the hash.

import type { Artifact } from "../../core/artifact.ts";
import { integrityFromHex } from "../../core/integrity.ts";
import type { Withholding } from "../../core/policy.ts";
import { cannotAsk, Problem, type ProblemKind } from "../../core/problem.ts";
import { findFile } from "./files.ts";
import { currentRelease, epochOf, knownSuites, wantingSuites } from "./generations.ts";
import { hasLoose, looseArtifact } from "./loose.ts";
import type { AptRepository } from "./memory.ts";
import { fileLookups, forgetIndices, namesOf, useLookup } from "./open-lookups.ts";
import {
  digestOf,
  type PoolEntry,
  poolArtifact,
  type Replacements,
  replacedName,
} from "./pool-artifact.ts";
import { replacementsOf, replacementTurn } from "./replaced.ts";
import { type AptRoute, packageOf } from "./routes.ts";
import { integrityOf } from "./stanzas.ts";

export {
  fileLookups,
  forgetIndices,
  indexOptions,
  type Lookup,
  poolPath,
  useLookup,
} from "./open-lookups.ts";
export { digestOf, type PoolEntry, poolArtifact, type Replacements } from "./pool-artifact.ts";
export { forgetReplacements, replacementsOf } from "./replaced.ts";

type PoolRoute = Extract<AptRoute, { path: string }>;

/**
 * The artifact at a path of the pool. Known without a lookup once it was found, and for what is in the catalog. Throws
 * Problem("notFound") when no index that was fetched here names it.
 */
export async function poolArtifactAt(
  repository: AptRepository,
  route: PoolRoute,
): Promise<Artifact> {
  const turn = replacementTurn(repository);
  const replacements = await replacementsOf(repository);
  const { path } = route;
  const memory = repository.memory.pool;
  const before = memory.get(route);
  // Until it was fetched, a release that comes may name other bytes under a name that had gone meanwhile.
  if (before?.isCurrent?.()) return before;
  const epoch = epochOf(repository);
  // Indices without a release come into service with nobody noticing.
  const isLoose = await hasLoose(repository);
  const isCurrent = () =>
    !isLoose && replacementTurn(repository) === turn && epochOf(repository) === epoch;
  const artifact = { ...(await locate(repository, path, replacements)), isCurrent };
  memory.set(route, artifact);
  return artifact;
}

async function locate(
  repository: AptRepository,
  path: string,
  replacements: Replacements,
): Promise<Artifact> {
  const stored = await inCatalog(repository, path, replacements);
  if (repository.suites) {
    if (stored) return stored;
    throw new Problem("notFound", `${path} is not published in ${repository.name}`);
  }
  const loose = await looseArtifact(repository, path);
  // Where nobody's release says so, the newest index says which version stands there.
  if (loose && stored && loose.version !== stored.version) return loose;
  // Only an index tells of which package a file of another form of name is.
  if (stored && packageOf(path) !== fileOf(path)) return stored;
  const found = await findInIndices(repository, path, replacements.get(path)).catch(
    async (error) => {
      if (!(error instanceof Problem)) throw error;
      const known = stored ?? loose;
      if (!known) throw await repository.explain(`pool/${path}`, error);
      return known;
    },
  );
  if (!("entry" in found)) return found;
  repository.refuseClaimed(found.entry.package);
  return poolArtifact(path, found.entry, found.origin, replacements);
}

/** What stands at a path now, when that was fetched before: what was seen once needs no index any more. */
async function inCatalog(
  repository: AptRepository,
  path: string,
  replacements: Replacements,
): Promise<Artifact | null> {
  const name = packageOf(path);
  const replacement = replacements.get(path);
  const file = replacement === undefined ? path : replacedName(path, replacement);
  const known = await repository.known(name, file);
  if (!known?.sha256) return null;
  const { version, sha256, size } = known;
  // The catalog calls replaced bytes by the digest that the index gave, which may be another one.
  const isSame = replacement === undefined || replacement === sha256;
  const integrity = isSame ? integrityFromHex("sha256", sha256)! : integrityOf(replacement);
  const digest = isSame ? sha256 : null;
  const entry = { sha256: digest, integrity, size, package: name, version, architecture: "" };
  return poolArtifact(path, entry, null, replacements);
}

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

interface FoundFile {
  entry: PoolEntry;
  origin: string | null;
}

async function findInIndices(
  repository: AptRepository,
  path: string,
  preferred: string | undefined,
): Promise<FoundFile> {
  const first = await search(repository, path, preferred);
  if (first.found) return first.found;
  // Indices fetched since, and releases that the upstream has since.
  const { away } = await refresh(repository);
  const second = await search(repository, path, preferred);
  if (second.found) return second.found;
  if (second.failure) throw second.failure;
  if (away)
    throw new Problem(
      away,
      `No index that is stored here names ${path}, and newer ones cannot be had now`,
    );
  throw new Problem(
    "notFound",
    `No index that was fetched through ${repository.name} names ${path}: nothing is fetched that cannot be verified. \`apt-get update\` fetches the indices`,
  );
}

/** Asks for the newest release of each suite. Returns why one of them cannot be had, or null. */
async function refresh(repository: AptRepository): Promise<{ away: ProblemKind | null }> {
  await repository.catchUp();
  forgetIndices(repository);
  let away: ProblemKind | null = null;
  const ask = async (suite: string) => {
    try {
      const { detail } = (await currentRelease(repository, suite)).cache;
      if (detail === "offline" || detail === "unreachable") away ??= detail;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (cannotAsk(error)) away ??= error.kind;
    }
  };
  const suites = new Set([...(await knownSuites(repository)), ...wantingSuites(repository)]);
  await Promise.all([...suites].map(ask));
  return { away };
}

/** All suites in their current release first, then in those before. An index that cannot be read hides nothing that others name. */
async function search(repository: AptRepository, path: string, preferred: string | undefined) {
  let other: FoundFile | null = null;
  let failure: Problem | null = null;
  let held: Problem | null = null;
  for await (const lookup of fileLookups(repository)) {
    for (const named of namesOf(lookup.suite, path)) {
      try {
        const entry = await useLookup(repository, lookup, (file) => findFile(file, named));
        if (!entry) continue;
        if (lookup.held) {
          held ??= heldWith(entry, lookup.held);
          continue;
        }
        const found = { entry, origin: lookup.release.origin };
        if (!preferred || digestOf(entry) === preferred) return { found, failure };
        other ??= found;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        failure ??= error;
      }
    }
  }
  if (held && !other) throw held;
  return { found: other, failure };
}

/** The file comes with a release that is held. */
function heldWith({ package: name, version }: PoolEntry, why: Withholding): Problem {
  const message = `${name} ${version} comes with a release that is held: ${why.message}`;
  return new Problem("blocked", message, { rule: why.rule });
}
