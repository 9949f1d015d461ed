// What policy says of what is known here: for people who ask what is held, why, and what other rules would have done.
import { knownAdvisories } from "../advisories/known.ts";
import type { Advisory } from "../core/advisory.ts";
import { type PolicyRule, type Release, releaseOf, type Withholding } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { purl as makePurl } from "../core/purl.ts";
import { everyFact, everyFactOf } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import { createPolicy, type Policy } from "../policy/policy.ts";
import type { RuledRepository } from "../policy/rules.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Query } from "../store/database.ts";

/** A repository and the rules that can be about its packages. */
export interface PolicedRepository extends RuledRepository {
  rules: readonly PolicyRule[];
}

/** One release that is withheld in a repository. */
export interface HeldRelease extends Withholding {
  repository: string;
  package: string;
  purl: string;
}

/** `pkg:npm/%40acme/ui@1.2.3`, as people write it too: with the scope's @ as it is. Null for what is none. */
export function readPurl(
  text: string,
): { purlType: string; package: string; version: string | null } | null {
  const match = /^pkg:([a-z][a-z0-9]*)\/(.+)$/.exec(text);
  if (!match) return null;
  const [, purlType = "", rest = ""] = match;
  const at = rest.lastIndexOf("@");
  const [name, version] = at > 0 ? [rest.slice(0, at), rest.slice(at + 1)] : [rest, null];
  try {
    const decoded = name.split("/").map(decodeURIComponent).join("/");
    return { purlType, package: decoded, version: version && decodeURIComponent(version) };
  } catch {
    return null;
  }
}

/** What feeds tell is read from the database. */
export function policyOf(
  sql: Query,
  repository: PolicedRepository,
  waivers: readonly Waiver[],
): Policy {
  const { rules, ecosystem } = repository;
  const { about } = knownAdvisories(sql, ecosystem ? [ecosystem] : []);
  const feeds = { about, recall: () => undefined, revision: () => 0 };
  return createPolicy(rules, repository, { revision: () => 0, all: () => waivers }, feeds);
}

/** What is withheld now of all that is known here, by repository, package and version; each release once. */
export async function* listHeld(
  sql: Query,
  repositories: readonly PolicedRepository[],
  waivers: readonly Waiver[],
  now: number,
): AsyncGenerator<HeldRelease> {
  for (const repository of repositories) {
    if (repository.rules.length === 0) continue;
    const policy = policyOf(sql, repository, waivers);
    let about = "";
    let advisories: readonly Advisory[] = [];
    const told = new Set<string>();
    for await (const page of everyFactOf(sql, repository.name))
      for (const { package: name, fact } of page) {
        if (!policy.concerns(name)) continue;
        if (name !== about) {
          told.clear();
          advisories = await policy.advisories(name);
        }
        about = name;
        const why = policy.decide(releaseOf(name, fact), now, advisories);
        if (!why || told.has(fact.version)) continue;
        told.add(fact.version);
        yield heldOf(repository, name, why);
      }
  }
}

/** What is said of one release in one repository. */
export interface Explained {
  repository: string;
  purl: string;
  /** Null: allowed. */
  withheld: Withholding | null;
  /** ISO 8601; null where nobody told, or it was there when anybody first looked. */
  publishedAt: string | null;
  /** Waivers that are about the package, also those of other versions. */
  waivers: Waiver[];
}

/** Throws Problem("badRequest") for what is no purl with a version, Problem("notFound") where no repository has such packages. */
export async function explain(
  sql: Query,
  repositories: readonly PolicedRepository[],
  waivers: readonly Waiver[],
  now: number,
  purl: string,
): Promise<Explained[]> {
  const asked = readPurl(purl);
  if (!asked?.version)
    throw new Problem("badRequest", `${purl} is no purl of a release, like pkg:npm/left-pad@1.3.0`);
  const { purlType, version } = asked;
  const matching = repositories.filter((one) => one.purlType === purlType);
  if (matching.length === 0)
    throw new Problem("notFound", `No repository here has packages like ${purl}`);
  const explained: Explained[] = [];
  for (const repository of matching) {
    const name = repository.spell?.(asked.package) ?? asked.package;
    const fact = await factOf(sql, repository, name, version);
    const release = fact ? releaseOf(name, fact) : { package: name, version, publishedAt: null };
    const policy = policyOf(sql, repository, waivers);
    explained.push({
      repository: repository.name,
      purl: purlOf(repository, name, release.version),
      withheld: policy.decide(release, now, await policy.advisories(name)),
      publishedAt: timeOf(release.publishedAt),
      waivers: waivers.filter(
        (one) =>
          one.purlType === purlType &&
          (one.repository === null || one.repository === repository.name) &&
          (repository.spell?.(one.package) ?? one.package) === name,
      ),
    });
  }
  return explained;
}

/** What was fetched since a time and would not have been under these rules, in the order in which it came. */
export async function* replay(
  sql: Query,
  repositories: readonly PolicedRepository[],
  since: number,
): AsyncGenerator<HeldRelease & { fetchedAt: number }> {
  for (const repository of repositories) {
    if (repository.rules.length === 0) continue;
    const policy = policyOf(sql, repository, []);
    const told = new Set<string>();
    for await (const { fetchedAt, ...release } of fetchedSince(sql, repository.name, since)) {
      const id = `${release.package}\0${release.version}`;
      if (told.has(id) || !policy.concerns(release.package)) continue;
      const advisories = await policy.advisories(release.package);
      const why = policy.decide(release, fetchedAt, advisories);
      if (!why) continue;
      told.add(id);
      yield { ...heldOf(repository, release.package, why), fetchedAt };
    }
  }
}

const PAGE = 1000;

async function* fetchedSince(
  sql: Query,
  repository: string,
  since: number,
): AsyncGenerator<Release & { fetchedAt: number }> {
  for (let last = { fetched_at: since, package: "", file: "" }; ; ) {
    const rows =
      await sql`SELECT a.fetched_at, a.package, a.file, COALESCE(f.version, a.version) AS version, f.published_at, f.first_seen
      FROM artifacts a LEFT JOIN facts f ON f.repository = a.repository AND f.package = a.package AND f.file = a.file
      WHERE a.repository = ${repository} AND (a.fetched_at, a.package, a.file) > (${last.fetched_at}, ${last.package}, ${last.file})
      ORDER BY a.fetched_at, a.package, a.file LIMIT ${PAGE}`;
    for (const row of rows) {
      const said = { publishedAt: row.published_at, firstSeen: row.first_seen };
      const release = releaseOf(row.package, { version: row.version, ...said });
      yield { ...release, fetchedAt: Number(row.fetched_at) };
    }
    if (rows.length < PAGE) return;
    const { fetched_at, package: name, file } = rows.at(-1);
    last = { fetched_at: Number(fetched_at), package: name, file };
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function factOf(
  sql: Query,
  { name: repository, order }: PolicedRepository,
  packageName: string,
  version: string,
): Promise<KnownFact | null> {
  for await (const facts of everyFact(sql, repository, packageName))
    for (const fact of facts)
      if (fact.version === version || order?.(fact.version, version) === 0) return fact;
  return null;
}

function heldOf(repository: PolicedRepository, name: string, why: Withholding): HeldRelease {
  return {
    ...why,
    repository: repository.name,
    package: name,
    purl: purlOf(repository, name, why.version),
  };
}

function purlOf({ purlType }: PolicedRepository, name: string, version: string): string {
  return makePurl(purlType, name, version);
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
