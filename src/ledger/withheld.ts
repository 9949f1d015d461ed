// Of which releases it was told that policy withholds them: once each, however often they are asked for, and once when it is over.
import type { RepositoryEvent } from "../core/event.ts";
import type { Withholding } from "../core/policy.ts";
import type { Database, Query } from "../store/database.ts";
import { list } from "../store/several.ts";
import type { Events } from "./events.ts";

export interface WithheldTold {
  /** Told soon, of those that were not told of before. For what clients asked about: never waits, never throws. */
  tell(packageName: string, why: readonly Withholding[]): void;
}

/** A release of which it was told. */
export interface ToldRelease {
  repository: string;
  package: string;
  version: string;
  /** When that ends by the clock, as far as it was told; null for not by it. */
  endsAt: number | null;
}

/** Where a release stands among them. */
export type ToldPlace = Omit<ToldRelease, "endsAt">;
type Place = Pick<ToldRelease, "repository" | "package">;

/** Releases that one message names; what is more is told at another time. */
const AT_ONCE = 100;
/** Messages of one repository in an hour: callers choose what they ask for, and none of them is to fill the disk. */
const IN_AN_HOUR = 500;
const HOUR_MS = 60 * 60 * 1000;

export function createWithheldTold(deps: {
  repository: string;
  database: Database;
  events: Pick<Events, "reportFound">;
  now(): number;
}): WithheldTold {
  const { repository, database, events, now } = deps;
  let hour = 0;
  let said = 0;

  function hasRoom(): boolean {
    const current = Math.floor(now() / HOUR_MS);
    if (current !== hour) said = 0;
    hour = current;
    said += 1;
    return said <= IN_AN_HOUR;
  }

  return {
    tell(packageName, why) {
      const first = new Map(why.map((one) => [one.version, one]));
      const place = { repository, package: packageName };
      const find = async () => {
        const fresh = await untold(database.read, place, [...first.values()]);
        if (fresh.length === 0 || !hasRoom()) return;
        events.reportFound(repository, async (sql) => {
          const still = (await untold(sql, place, fresh)).slice(0, AT_ONCE);
          for (const one of still) await insertTold(sql, place, one, now());
          return still.length > 0 ? [withheldEvent(packageName, still)] : [];
        });
      };
      // The database that fails here fails for the request as well, which tells of it.
      if (first.size > 0) void find().catch(() => undefined);
    },
  };
}

async function untold(
  sql: Query,
  { repository, package: name }: Place,
  why: readonly Withholding[],
): Promise<Withholding[]> {
  const rows = await sql`SELECT version, verdict FROM withheld_told
    WHERE repository = ${repository} AND package = ${name}`;
  const told = new Map(rows.map((row) => [row.version, row.verdict]));
  return why.filter(({ version, verdict }) => told.get(version) !== verdict);
}

async function insertTold(
  sql: Query,
  { repository, package: name }: Place,
  { version, verdict, rule, until }: Withholding,
  at: number,
): Promise<void> {
  await sql`INSERT INTO withheld_told (repository, package, version, verdict, rule, ends_at, told_at)
    VALUES (${repository}, ${name}, ${version}, ${verdict}, ${rule}, ${until}, ${at})
    ON CONFLICT (repository, package, version) DO UPDATE
      SET verdict = excluded.verdict, rule = excluded.rule, ends_at = excluded.ends_at, told_at = excluded.told_at`;
}

/** Those of which it was told that come behind `after`, in their order; `endedBy`: those alone that end by the clock until then. */
export async function readTold(
  sql: Query,
  after: ToldPlace,
  limit: number,
  endedBy: number | null,
): Promise<ToldRelease[]> {
  const { repository, package: name, version } = after;
  const rows =
    endedBy === null
      ? await sql`SELECT repository, package, version, ends_at FROM withheld_told
          WHERE (repository, package, version) > (${repository}, ${name}, ${version})
          ORDER BY repository, package, version LIMIT ${limit}`
      : await sql`SELECT repository, package, version, ends_at FROM withheld_told
          WHERE ends_at <= ${endedBy} AND (repository, package, version) > (${repository}, ${name}, ${version})
          ORDER BY repository, package, version LIMIT ${limit}`;
  return rows.map(({ ends_at, ...place }) => ({
    ...place,
    endsAt: ends_at === null ? null : Number(ends_at),
  })) as ToldRelease[];
}

/** It is withheld still, until another time. */
export async function keepTold(
  sql: Query,
  { repository, package: name, version }: ToldPlace,
  { until }: Withholding,
): Promise<void> {
  await sql`UPDATE withheld_told SET ends_at = ${until}
    WHERE repository = ${repository} AND package = ${name} AND version = ${version}`;
}

/** It is withheld no more. False where somebody else found that already. */
export async function forgetTold(
  sql: Query,
  { repository, package: name, version }: ToldPlace,
): Promise<boolean> {
  const rows = await sql`DELETE FROM withheld_told
    WHERE repository = ${repository} AND package = ${name} AND version = ${version} RETURNING version`;
  return rows.length > 0;
}

/** A release of which it was told, for people. */
export interface ToldHolding extends ToldRelease {
  verdict: "hold" | "block";
  rule: string;
  toldAt: number;
  /** Who was refused it last, since that is written down. */
  asked: { at: number; by: string; from: string } | null;
}

/** Where a page ends. */
export type ToldMark = ToldPlace & { toldAt: number };

/** Those of these repositories, the newest first, before `before`. */
export async function pageOfTold(
  sql: Query,
  asked: {
    repositories: readonly string[];
    rule?: string | undefined;
    verdict?: string | undefined;
    package?: string | undefined;
    before: ToldMark | null;
    limit: number;
  },
): Promise<ToldHolding[]> {
  const [rule, verdict, name] = [asked.rule ?? "", asked.verdict ?? "", asked.package ?? ""];
  const { repositories, limit } = asked;
  const before = asked.before ?? LAST;
  // In the order of the index by time, and not of the one by repository: `|| ''`.
  const rows = await sql`SELECT * FROM withheld_told
    WHERE (told_at, repository, package, version) < (${before.toldAt}, ${before.repository}, ${before.package}, ${before.version})
    AND (repository || '') IN (${list(repositories)}) AND (${rule} = '' OR rule = ${rule}) AND (${verdict} = '' OR verdict = ${verdict})
    AND (${name} = '' OR package = ${name})
    ORDER BY told_at DESC, repository DESC, package DESC, version DESC LIMIT ${limit}`;
  return rows.map((row) => ({
    repository: row.repository,
    package: row.package,
    version: row.version,
    verdict: row.verdict,
    rule: row.rule,
    endsAt: row.ends_at === null ? null : Number(row.ends_at),
    toldAt: Number(row.told_at),
    asked:
      row.asked_at === null
        ? null
        : { at: Number(row.asked_at), by: row.asked_by ?? "", from: row.asked_from ?? "" },
  }));
}

const LAST: ToldMark = {
  toldAt: Number.MAX_SAFE_INTEGER,
  repository: "",
  package: "",
  version: "",
};

/** How many there are, by rule and verdict. */
export async function countTold(
  sql: Query,
): Promise<{ rule: string; verdict: "hold" | "block"; count: number }[]> {
  const rows = await sql`SELECT rule, verdict, COUNT(*) AS many FROM withheld_told
    GROUP BY rule, verdict ORDER BY rule, verdict`;
  return rows.map(({ rule, verdict, many }) => ({ rule, verdict, count: Number(many) }));
}

function withheldEvent(packageName: string, why: readonly Withholding[]): RepositoryEvent {
  const [first] = why;
  const releases = why.map(({ version, verdict, rule, until }) => ({
    version,
    verdict,
    rule,
    until: until === null ? null : new Date(until).toISOString(),
  }));
  const about = { kind: "withheld", package: packageName, detail: { releases } } as const;
  if (why.length === 1) return { ...about, version: first!.version, message: first!.message };
  const rest = why.length === 2 ? "one more release" : `${why.length - 1} more releases`;
  return { ...about, message: `${first!.message}; the same goes for ${rest} of ${packageName}` };
}

export function releasedEvent(packageName: string, versions: readonly string[]): RepositoryEvent {
  const [first = ""] = versions;
  const about = { kind: "released", package: packageName, detail: { versions } } as const;
  return versions.length === 1
    ? { ...about, version: first, message: `${packageName} ${first} is withheld no more` }
    : {
        ...about,
        message: `${versions.length} releases of ${packageName} are withheld no more: ${first} and others`,
      };
}
