// What people are shown of packages: found by name, with their versions, and what is in them. Everything is read from the disk, so that it is there when
// the upstream is not.
import { knownAdvisories } from "../advisories/known.ts";
import { compareOf } from "../cache/history.ts";
import type {
  CatalogReader,
  Dependants,
  FoundPackage,
  FoundPackages,
  PackageView,
  VersionRow,
  VersionView,
} from "../core/catalog.ts";
import { type Grant, permit } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";
import { purl as makePurl } from "../core/purl.ts";
import { type PolicedRepository, policyOf } from "../jobs/policy.ts";
import { suspected } from "../policy/compare.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Database, Query } from "../store/database.ts";
import { list } from "../store/several.ts";
import { type DependantsPart, dependantsOf } from "./dependants.ts";
import { differenceOf } from "./difference.ts";
import type { Insides } from "./insides.ts";
import type { ReadLabels } from "./labels.ts";
import { findNames, newestNames, writeParts } from "./names.ts";
import { advisoriesOf, isBefore, type KnownRelease, readFiles, readReleases } from "./releases.ts";

/** On one page of what was found. */
const SHOWN = 30;

/** Of those that need a package, as many stand on its own page, which is asked for far more often than who needs it: of a name that many need it looks at the first alone. */
const FIRST_DEPENDANTS: DependantsPart = { count: 10, lookedAt: 2_000 };

const ALL = { from: 0, count: Number.POSITIVE_INFINITY };

export interface CatalogRepository {
  name: string;
  format: string;
  policed: PolicedRepository;
  insides: Insides;
  labels: ReadLabels;
}

export interface CatalogDeps {
  database: Database;
  repositories: readonly CatalogRepository[];
  waivers(): readonly Waiver[];
  isPublic(repository: string, packageName: string): boolean;
  now(): number;
}

export function catalogFor(deps: CatalogDeps, grant: Grant): CatalogReader {
  const { database } = deps;
  const sql = database.read;
  const mayRead = (repository: string, name: string | null) =>
    deps.repositories.some((one) => one.name === repository) && grant.may(repository, "read", name);

  /** Throws what the door throws, whether or not there is such a package. */
  function repositoryOf(repository: string, name: string): CatalogRepository {
    permit(grant, repository, "read", name);
    const found = deps.repositories.find((one) => one.name === repository);
    if (!found) throw new Problem("notFound", `There is no repository ${repository}`);
    return found;
  }

  async function releasesOf(one: CatalogRepository, name: string): Promise<KnownRelease[]> {
    const releases = await readReleases(sql, one.policed, name);
    if (releases.length > 0) return releases;
    throw new Problem("notFound", `Nothing is known here of ${name} in ${one.name}`);
  }

  return {
    async search(query, page) {
      if (query.includes("\0")) return { items: [], hasMore: false }; // no name has one, and PostgreSQL fails at it
      await writeParts(database);
      const names =
        query.trim() === ""
          ? await newestNames(
              sql,
              deps.repositories.map(({ name }) => name),
              SHOWN * 4,
            )
          : await findNames(sql, query);
      const theirs = names.filter((one) => mayRead(one.repository, one.package));
      const items = theirs.slice((page - 1) * SHOWN, page * SHOWN);
      return { items: await described(deps, items), hasMore: theirs.length > page * SHOWN };
    },
    async package(repository, text, { from, count } = ALL) {
      const one = repositoryOf(repository, text);
      const name = spelled(one, text);
      permit(grant, repository, "read", name);
      const releases = await releasesOf(one, name);
      const judge = await judgeOf(deps, one, name, releases);
      const [newest = null] = byStanding(releases);
      const shown = byStanding(releases).find((one) => judge(one).withheld === null) ?? null;
      const sum = (of: (row: KnownRelease) => number) =>
        releases.reduce((total, row) => total + of(row), 0);
      return {
        repository,
        format: one.format,
        package: name,
        isHosted: releases.some(({ publishedBy }) => publishedBy !== null),
        isPublic: deps.isPublic(repository, name),
        versions: releases.slice(from, from + count).map(judge),
        totals: {
          versions: releases.length,
          stored: sum(({ stored }) => (stored > 0 ? 1 : 0)),
          files: sum(({ stored }) => stored),
          bytes: sum(({ bytes }) => bytes),
        },
        newest: newest && judge(newest),
        shown: shown && judge(shown),
        labels: await one.labels.of(name),
        about: await aboutOf(one, name, releases, shown ?? newest),
        hasFeeds: await hasFeeds(sql, one.policed),
        dependants: await neededBy(one, name, FIRST_DEPENDANTS),
      };
    },
    async version(repository, text, version) {
      const one = repositoryOf(repository, text);
      const name = spelled(one, text);
      permit(grant, repository, "read", name);
      const versions = await releasesOf(one, name);
      const at = versions.findIndex((row) => row.version === version);
      const row = versions[at];
      if (!row)
        throw new Problem(
          "notFound",
          `${name} has no version ${version} that is known in ${repository}`,
        );
      const files = await readFiles(sql, one.policed, name, version);
      const looked = await one.insides.look(name, version, files);
      const older = versions[at + 1] ?? null;
      const judge = await judgeOf(deps, one, name, [row]);
      return {
        ...judge(row),
        repository,
        format: one.format,
        package: name,
        purl: makePurl(one.policed.purlType || one.format, name, version),
        isPublic: deps.isPublic(repository, name),
        filesOf: files,
        inside: looked.inside,
        whyNotInside: looked.why,
        difference: await differenceWith(one, name, looked, versions.slice(at + 1)),
        older: older?.version ?? null,
        newer: versions[at - 1]?.version ?? null,
        dependants: await neededBy(one, name, FIRST_DEPENDANTS),
      };
    },
    async dependants(repository, text, part) {
      const one = repositoryOf(repository, text);
      const name = spelled(one, text);
      permit(grant, repository, "read", name);
      const found = await neededBy(one, name, part);
      if (found.total === 0) await releasesOf(one, name);
      return { repository, format: one.format, package: name, ...found };
    },
  };

  /** By packages of any repository of the format: what they need may have come through each of them. */
  function neededBy(
    { format }: CatalogRepository,
    needed: string,
    part: DependantsPart,
  ): Promise<Dependants> {
    const repositories = deps.repositories.filter((other) => other.format === format);
    const names = repositories.map(({ name }) => name);
    return dependantsOf(sql, { needed, repositories: names, mayRead }, part);
  }

  async function aboutOf(
    one: CatalogRepository,
    name: string,
    versions: readonly KnownRelease[],
    first: KnownRelease | null,
  ): Promise<PackageView["about"]> {
    const order = [...(first ? [first] : []), ...versions].filter(({ stored }) => stored > 0);
    for (const { version } of order.slice(0, 3)) {
      const files = await readFiles(sql, one.policed, name, version);
      const { inside } = await one.insides.look(name, version, files);
      if (inside) return { version, inside };
    }
    return null;
  }

  /** With the newest before it that is stored: the one in between nobody has. */
  async function differenceWith(
    one: CatalogRepository,
    name: string,
    looked: Awaited<ReturnType<Insides["look"]>>,
    before: readonly KnownRelease[],
  ): Promise<VersionView["difference"]> {
    const older = before.find(({ stored }) => stored > 0);
    if (!looked.inside || !older) return null;
    const files = await readFiles(sql, one.policed, name, older.version);
    const { inside } = await one.insides.look(name, older.version, files, looked.file);
    return inside && differenceOf(older.version, inside, looked.inside);
  }
}

/** Portions of names that are written in one turn: who stops the server waits for no more. */
const IN_A_TURN = 10;

/** Writes the parts of names that nobody looked for yet: after an upgrade there are many, for many turns. */
export async function tidyNames(database: Database): Promise<void> {
  for (let turn = 0; turn < IN_A_TURN; turn += 1) {
    if ((await writeParts(database, 500)) === 0) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function spelled({ policed }: CatalogRepository, name: string): string {
  return policed.spell?.(name) ?? name;
}

/** What policy and feeds say of each: worked out for those alone that somebody looks at. */
async function judgeOf(
  { database, waivers, now }: CatalogDeps,
  { policed }: CatalogRepository,
  name: string,
  releases: readonly KnownRelease[],
): Promise<(release: KnownRelease) => VersionRow> {
  const sql = database.read;
  const policy = policyOf(sql, policed, waivers());
  const at = now();
  const compared = await compareOf(sql, policed.name, name, policy, at);
  const { about } = knownAdvisories(sql, policed.ecosystem ? [policed.ecosystem] : []);
  const told = new Map<string, Awaited<ReturnType<typeof about>>>();
  for (const one of new Set(releases.flatMap(({ names }) => names)))
    told.set(one, await about(policed.purlType, one));
  return ({ release, names, ...row }) => {
    const advisories = names.flatMap((one) => advisoriesOf(row, told.get(one) ?? [], policed));
    const withheld = names
      .filter((one) => policy.concerns(one))
      .map((one) =>
        policy.decide({ ...suspected(release, compared), package: one }, at, told.get(one) ?? []),
      )
      .find((why) => why !== null);
    return { ...row, advisories, withheld: withheld ?? null };
  };
}

/** The newest release first; then what comes before one, and what was yanked or has gone last of all. Whoever finds one soon has few looked at. */
function* byStanding(releases: readonly KnownRelease[]): Generator<KnownRelease> {
  const isStanding = ({ yanked, isGone }: KnownRelease) => yanked === null && !isGone;
  for (const one of releases) if (isStanding(one) && !isBefore(one.version)) yield one;
  for (const one of releases) if (isStanding(one) && isBefore(one.version)) yield one;
  for (const one of releases) if (!isStanding(one)) yield one;
}

async function hasFeeds(sql: Query, { purlType, ecosystem }: PolicedRepository): Promise<boolean> {
  if (!ecosystem) return false;
  const [row] =
    await sql`SELECT 1 AS found FROM advisory_packages WHERE purl_type = ${purlType} LIMIT 1`;
  return row !== undefined;
}

/** With what is stored of each. */
async function described(
  { database, repositories }: CatalogDeps,
  names: readonly { repository: string; package: string }[],
): Promise<FoundPackages["items"]> {
  const rows = new Map<string, Omit<FoundPackage, "repository" | "format" | "package">>();
  for (const [repository, some] of Map.groupBy(names, (one) => one.repository)) {
    const asked = list(some.map((one) => one.package));
    const stored =
      await database.read`SELECT package, count(*) AS files, CAST(sum(size) AS BIGINT) AS bytes, max(fetched_at) AS newest
      FROM artifacts WHERE repository = ${repository} AND package IN (${asked}) AND purl NOT LIKE 'pkg:generic/%' GROUP BY package`;
    for (const { package: name, files, bytes, newest } of stored)
      rows.set(`${repository}\0${name}`, {
        files: Number(files),
        bytes: Number(bytes),
        newestAt: Number(newest),
        isHosted: false,
      });
    const hosted =
      await database.read`SELECT package FROM hosted_packages WHERE repository = ${repository} AND package IN (${asked})`;
    for (const { package: name } of hosted) {
      const id = `${repository}\0${name}`;
      rows.set(id, { ...(rows.get(id) ?? NOTHING), isHosted: true });
    }
  }
  return names.map(({ repository, package: name }) => ({
    repository,
    format: repositories.find((one) => one.name === repository)!.format,
    package: name,
    ...(rows.get(`${repository}\0${name}`) ?? NOTHING),
  }));
}

const NOTHING = { files: 0, bytes: 0, newestAt: null, isHosted: false };
