// Whom a bad release has reached: who was sent it, where from, when, and through which repository.

import { type FetchRow, later, readFetches } from "../advisories/fetches.ts";
import { knownAdvisories } from "../advisories/known.ts";
import { type Advisory, affects } from "../core/advisory.ts";
import { Problem } from "../core/problem.ts";
import { purl as makePurl } from "../core/purl.ts";
import type { Query } from "../store/database.ts";
import { type PolicedRepository, readPurl } from "./policy.ts";

/** One caller of one release, over all days. */
export interface Affected extends Omit<FetchRow, "caller"> {
  purl: string;
  /** Advisories that are about it, of those that were asked for. */
  advisories: string[];
}

/** An advisory, by its id or by another name of it. */
export interface ShownAdvisory extends Omit<Advisory, "raw"> {
  purl: string;
}

/** Throws Problem("notFound") for what no feed told. One for each package and feed. */
export async function showAdvisory(
  sql: Query,
  repositories: readonly PolicedRepository[],
  id: string,
): Promise<{ advisory: ShownAdvisory; purlType: string }[]> {
  const ecosystems = ecosystemsOf(repositories);
  const found = [];
  for (const ecosystem of ecosystems) {
    const { byId } = knownAdvisories(sql, [ecosystem]);
    for (const { raw: _, ...advisory } of await byId(id)) {
      const purl = `pkg:${ecosystem.purlType}/${advisory.package}`;
      found.push({ advisory: { ...advisory, purl }, purlType: ecosystem.purlType });
    }
  }
  if (found.length === 0)
    throw new Problem(
      "notFound",
      `No feed here told of ${id}, or it is about no format of this server`,
    );
  return found;
}

/**
 * `what`: a purl with a version (whoever was sent it), one without (all its versions), or an advisory's id (the versions that it is about). By version,
 * repository and caller; callers of several days once.
 */
export async function listAffected(
  sql: Query,
  repositories: readonly PolicedRepository[],
  what: string,
): Promise<Affected[]> {
  const asked = readPurl(what);
  if (asked) {
    const { purlType, version } = asked;
    const matching = repositories.filter((one) => typeOf(one) === purlType);
    if (matching.length === 0)
      throw new Problem("notFound", `No repository here has packages like ${what}`);
    return fetchedOf(sql, matching, asked.package, (one, { order }) =>
      version === null || one === version || order?.(one, version) === 0 ? [] : null,
    );
  }
  const found: Affected[] = [];
  for (const { advisory, purlType } of once(await showAdvisory(sql, repositories, what))) {
    const matching = repositories.filter((one) => typeOf(one) === purlType);
    const rows = await fetchedOf(sql, matching, advisory.package, (version, { order }) =>
      affects(advisory, version, order) ? [advisory.id] : null,
    );
    found.push(...rows);
  }
  return found;
}

/** Two feeds may tell of the same. */
function once<T extends { advisory: { package: string; id: string }; purlType: string }>(
  all: T[],
): T[] {
  const seen = new Map(
    all.map((one) => [`${one.purlType}/${one.advisory.package}/${one.advisory.id}`, one]),
  );
  return [...seen.values()];
}

/** `concerns`: null for a version that is not asked for, else the advisories about it. */
async function fetchedOf(
  sql: Query,
  repositories: readonly PolicedRepository[],
  packageName: string,
  concerns: (version: string, repository: PolicedRepository) => string[] | null,
): Promise<Affected[]> {
  const found = new Map<string, Affected>();
  for (const repository of repositories) {
    const name = repository.spell?.(packageName) ?? packageName;
    for (const { caller, ...row } of await readFetches(sql, repository.name, name)) {
      const advisories = concerns(row.version, repository);
      if (advisories === null) continue;
      const key = `${repository.name}\0${row.version}\0${caller}`;
      const known = found.get(key);
      const purl = makePurl(typeOf(repository), name, row.version);
      if (!known) found.set(key, { ...row, purl, advisories });
      else {
        known.files += row.files;
        known.lockedAt = later(known.lockedAt, row.lockedAt);
        if (row.lastAt >= known.lastAt)
          Object.assign(known, { lastAt: row.lastAt, address: row.address });
      }
    }
  }
  return [...found.values()];
}

function typeOf({ purlType, ecosystem }: PolicedRepository): string {
  return purlType || (ecosystem?.purlType ?? "");
}

function ecosystemsOf(repositories: readonly PolicedRepository[]) {
  const found = new Map(
    repositories.flatMap(({ ecosystem }) => (ecosystem ? [[ecosystem.purlType, ecosystem]] : [])),
  );
  return [...found.values()];
}
