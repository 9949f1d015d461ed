// What policy says of what is known here: for people who ask what is held, why, and what other rules would have done.
import { compareOf, readPast } from "../cache/history.ts";
import {
  type Explained as ExplainedRelease,
  type PolicyRule,
  type Release,
  releaseOf,
  type Withholding,
} from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { purl as makePurl } from "../core/purl.ts";
import { readTraits, type Traits } from "../core/traits.ts";
import { everyFact, everyFactOf } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import { type KnownProvenance, readProvenance } from "../ledger/provenance.ts";
import { type Compared, lostSince, suspected } from "../policy/compare.ts";
import { createPolicy, type Policy } from "../policy/policy.ts";
import { nameIn, type RuledRepository } from "../policy/rules.ts";
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
  const match = /^pkg:([a-z][a-z0-9]*)\/([^?#]+)/.exec(text);
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

export function policyOf(repository: PolicedRepository, waivers: readonly Waiver[]): Policy {
  return createPolicy(repository.rules, repository, { revision: () => 0, all: () => waivers });
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
    const policy = policyOf(repository, waivers);
    let about = "";
    let compared: Compared | null = null;
    const told = new Set<string>();
    for await (const page of everyFactOf(sql, repository.name))
      for (const { package: named, fact } of page) {
        const name = repository.factNames?.whose(named, fact.file) ?? named;
        if (!policy.concerns(name)) continue;
        if (name !== about) {
          told.clear();
          compared = await compareOf(sql, repository.name, name, policy, now);
        }
        about = name;
        const why = policy.decide(suspected(releaseOf(name, fact), compared), now);
        if (!why || told.has(fact.version)) continue;
        told.add(fact.version);
        yield heldOf(repository, name, why);
      }
  }
}

/** With the waivers as they are stored, and what rests on evidence. */
export interface Explained extends ExplainedRelease {
  /** What was found out of who made its files; empty where nobody has looked. */
  provenance: KnownProvenance[];
  /** The last release before it that had provenance, where it has none itself; null otherwise. */
  lostSince: string | null;
  /** What its documents say of it; null where none says anything. */
  traits: Traits | null;
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
    const name = nameIn(repository, asked.package);
    const fact = await factOf(sql, repository, name, version);
    const release = fact ? releaseOf(name, fact) : { package: name, version, publishedAt: null };
    const policy = policyOf(repository, waivers);
    const compared = await compareOf(sql, repository.name, name, policy, now);
    const found = await readProvenance(sql, repository.name, name);
    explained.push({
      repository: repository.name,
      package: name,
      purl: purlOf(repository, name, release.version),
      withheld: policy.decide(suspected(release, compared), now),
      publishedAt: timeOf(release.publishedAt),
      provenance: found.filter(
        (one) =>
          one.version === release.version || repository.order?.(one.version, release.version) === 0,
      ),
      lostSince: lostSince(release.version, await readPast(sql, repository.name, name)),
      traits: readTraits(fact?.traits ?? null),
      waivers: waivers.filter(
        (one) =>
          one.purlType === purlType &&
          (one.repository === null || one.repository === repository.name) &&
          nameIn(repository, one.package) === name,
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
    const policy = policyOf(repository, []);
    const told = new Set<string>();
    for await (const { fetchedAt, ...release } of fetchedSince(sql, repository.name, since)) {
      const id = `${release.package}\0${release.version}`;
      if (told.has(id) || !policy.concerns(release.package)) continue;
      const compared = await compareOf(sql, repository.name, release.package, policy, fetchedAt);
      const why = policy.decide(suspected(release, compared), fetchedAt);
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
      await sql`SELECT a.fetched_at, a.package, a.file, COALESCE(f.version, a.version) AS version, f.published_at, f.first_seen, f.traits
      FROM artifacts a LEFT JOIN facts f ON f.repository = a.repository AND f.package = a.package AND f.file = a.file
      WHERE a.repository = ${repository} AND (a.fetched_at, a.package, a.file) > (${last.fetched_at}, ${last.package}, ${last.file})
      ORDER BY a.fetched_at, a.package, a.file LIMIT ${PAGE}`;
    for (const row of rows) {
      const said = {
        publishedAt: row.published_at,
        firstSeen: row.first_seen,
        traits: row.traits,
      };
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
  { name: repository, order, factNames }: PolicedRepository,
  packageName: string,
  version: string,
): Promise<KnownFact | null> {
  for (const named of factNames?.under(packageName) ?? [packageName])
    for await (const facts of everyFact(sql, repository, named))
      for (const fact of facts) {
        if (factNames && factNames.whose(named, fact.file) !== packageName) continue;
        if (fact.version === version || order?.(fact.version, version) === 0) return fact;
      }
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
