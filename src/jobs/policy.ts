// What policy says of what is known here: for people who ask what is held, why, and what other rules would have done.
import { knownAdvisories } from "../advisories/known.ts";
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
import { everyFact, everyFactOf, readFact } from "../ledger/fact-rows.ts";
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

/** What feeds tell is read from the database. */
export function policyOf(
  sql: Query,
  repository: PolicedRepository,
  waivers: readonly Waiver[],
): Policy {
  const { rules, ecosystem } = repository;
  const { about } = knownAdvisories(sql, ecosystem ? [ecosystem] : []);
  const feeds = { about, recall: () => undefined, revision: () => 0 };
  return createPolicy(rules, repository, { revision: () => 0, all: () => waivers }, { feeds });
}

/** What is withheld now of all that is known here, by repository, package and version; each release once. */
export async function* listHeld(
  sql: Query,
  repositories: readonly PolicedRepository[],
  waivers: readonly Waiver[],
  now: number,
): AsyncGenerator<HeldRelease> {
  for (const repository of repositories) {
    const policy = policyOf(sql, repository, waivers);
    if (!policy.concerns(null)) continue;
    const told = new Set<string>();
    let about = "";
    let compared: Compared | null = null;
    for await (const release of releasesIn(sql, repository)) {
      if (release.package !== about)
        compared = await compareOf(sql, repository.name, release.package, policy, now);
      about = release.package;
      const why = await verdictOn(policy, suspected(release, compared), now);
      const id = `${release.package}\0${release.version}`;
      if (!why || told.has(id)) continue;
      told.add(id);
      yield heldOf(repository, release.package, why);
    }
  }
}

/** A release, and the names that rules may know its package by. */
export interface NamedRelease extends Release {
  names: readonly string[];
}

/** What documents named, and then what was fetched that none did. */
async function* releasesIn(
  sql: Query,
  repository: PolicedRepository,
): AsyncGenerator<NamedRelease> {
  for await (const page of everyFactOf(sql, repository.name))
    for (const { package: named, fact } of page) {
      const name = repository.factNames?.whose(named, fact.file) ?? named;
      yield { ...releaseOf(name, fact), names: [name] };
    }
  for await (const { isNamed, ...release } of fetchedSince(sql, repository, -1))
    if (!isNamed) yield release;
}

/** By the first of its names that a rule concerns. */
export async function verdictOn(
  policy: Policy,
  release: NamedRelease,
  at: number,
): Promise<Withholding | null> {
  for (const name of release.names) {
    if (!policy.concerns(name)) continue;
    const advisories = await policy.advisories(name);
    const why = policy.decide({ ...release, package: name }, at, advisories);
    if (why) return why;
  }
  return null;
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
    const policy = policyOf(sql, repository, waivers);
    const compared = await compareOf(sql, repository.name, name, policy, now);
    const found = await readProvenance(sql, repository.name, name);
    explained.push({
      repository: repository.name,
      package: name,
      purl: purlOf(repository, name, release.version),
      withheld: policy.decide(suspected(release, compared), now, await policy.advisories(name)),
      publishedAt: timeOf(release.publishedAt),
      provenance: found.filter(
        (one) =>
          one.version === release.version || repository.order?.(one.version, release.version) === 0,
      ),
      lostSince: lostSince(release.version, await readPast(sql, repository.name, name)),
      traits: readTraits(fact?.traits ?? null),
      waivers: waivers.filter(
        (one) =>
          !one.isBlock &&
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
    const policy = policyOf(sql, repository, []);
    const told = new Set<string>();
    for await (const { fetchedAt, ...release } of fetchedSince(sql, repository, since)) {
      const id = `${release.package}\0${release.version}`;
      if (told.has(id)) continue;
      const compared = await compareOf(sql, repository.name, release.package, policy, fetchedAt);
      const why = await verdictOn(policy, suspected(release, compared), fetchedAt);
      if (!why) continue;
      told.add(id);
      yield { ...heldOf(repository, release.package, why), fetchedAt };
    }
  }
}

const PAGE = 1000;

/** `isNamed`: by a document that is known. */
async function* fetchedSince(
  sql: Query,
  { name: repository, factNames }: PolicedRepository,
  since: number,
): AsyncGenerator<NamedRelease & { fetchedAt: number; isNamed: boolean }> {
  for (let last = { fetched_at: since, package: "", file: "" }; ; ) {
    const rows =
      await sql`SELECT a.fetched_at, a.package, a.file, COALESCE(f.version, a.version) AS version, f.published_at, f.first_seen, f.traits, f.file AS named
      FROM artifacts a LEFT JOIN facts f ON f.repository = a.repository AND f.package = a.package AND f.file = a.file
      WHERE a.repository = ${repository} AND (a.fetched_at, a.package, a.file) > (${last.fetched_at}, ${last.package}, ${last.file})
      ORDER BY a.fetched_at, a.package, a.file LIMIT ${PAGE}`;
    for (const row of rows) {
      const { package: name, file, version, traits } = row;
      const found = row.named === null ? await elsewhere(name, file) : null;
      const said = { version, publishedAt: row.published_at, firstSeen: row.first_seen, traits };
      const names = [name, ...(factNames?.beside?.(name, file) ?? [])];
      const isNamed = row.named !== null || found !== null;
      const fetchedAt = Number(row.fetched_at);
      yield { ...releaseOf(name, found ?? said), names, fetchedAt, isNamed };
    }
    if (rows.length < PAGE) return;
    const { fetched_at, package: name, file } = rows.at(-1);
    last = { fetched_at: Number(fetched_at), package: name, file };
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What a document of another name says of the file. */
  async function elsewhere(name: string, file: string): Promise<KnownFact | null> {
    for (const place of factNames?.under(name, file) ?? []) {
      const key = { repository, package: place.named, file: place.file };
      const fact = place.named === name ? null : await readFact(sql, key);
      if (fact) return fact;
    }
    return null;
  }
}

async function factOf(
  sql: Query,
  { name: repository, order, factNames }: PolicedRepository,
  packageName: string,
  version: string,
): Promise<KnownFact | null> {
  const places = factNames?.under(packageName, "") ?? [{ named: packageName }];
  for (const { named } of places)
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
