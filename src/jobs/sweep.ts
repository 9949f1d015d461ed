// After feeds told something else: what of it is about releases that are here, told once for each.
import type { Named } from "../advisories/rows.ts";
import type { Advisories } from "../core/advisory.ts";
import type { RepositoryEvent } from "../core/event.ts";
import { purl as makePurl } from "../core/purl.ts";
import type { Events } from "../ledger/events.ts";
import { countedFor } from "../policy/advise.ts";
import { createPolicy } from "../policy/policy.ts";
import type { CurrentWaivers } from "../policy/waivers.ts";
import type { Database, Query } from "../store/database.ts";
import { list } from "../store/several.ts";
import type { PolicedRepository } from "./policy.ts";

export interface SweepDeps {
  database: Database;
  events: Pick<Events, "store" | "announce">;
  advisories: Pick<Advisories, "about">;
  waivers: CurrentWaivers;
  now(): number;
}

/** What was not modified for so long is no news, though it may not have been told here before. */
const NEWS_MS = 31 * 24 * 60 * 60 * 1000;
/** Names that are looked for at a time. */
const AT_ONCE = 500;

/**
 * Looks at the releases of these packages that were ever fetched here; null: of all that feeds tell something of. `isFirst`: nobody looked before, so that only what is blocked from now on is
 * told: the rest was known to the world before, and is told by no later look either. Resolves to how many events there were.
 */
export async function sweep(
  deps: SweepDeps,
  repositories: readonly PolicedRepository[],
  names: readonly Named[] | null,
  isFirst: boolean,
): Promise<number> {
  let told = 0;
  for (const repository of repositories) {
    const purlType = repository.ecosystem?.purlType;
    if (purlType === undefined) continue;
    const { read } = deps.database;
    const wanted = names?.filter((one) => one.purlType === purlType).map(({ name }) => name);
    const all = wanted
      ? inPortions([...new Set(wanted)])
      : namesHere(read, repository.name, purlType);
    for await (const some of all)
      for (const [name, versions] of await releasesHere(read, repository.name, some))
        told += await look(deps, repository, name, versions, isFirst);
  }
  return told;
}

/** Packages that were fetched here and that feeds tell something of, some at a time. */
async function* namesHere(
  sql: Query,
  repository: string,
  purlType: string,
): AsyncGenerator<string[]> {
  for (let after = ""; ; ) {
    const rows =
      await sql`SELECT package FROM artifacts WHERE repository = ${repository} AND package > ${after}
      UNION SELECT package FROM fetches WHERE repository = ${repository} AND package > ${after}
      ORDER BY package LIMIT ${AT_ONCE}`;
    if (rows.length === 0) return;
    after = rows.at(-1).package;
    const names = rows.map((row) => row.package);
    const told = await sql`SELECT DISTINCT name FROM advisory_packages
      WHERE purl_type = ${purlType} AND name IN (${list(names)})`;
    if (told.length > 0) yield told.map(({ name }) => name);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* inPortions(names: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < names.length; at += AT_ONCE) yield names.slice(at, at + AT_ONCE);
}

/** Versions that are stored, or that somebody was sent. */
async function releasesHere(
  sql: Query,
  repository: string,
  names: readonly string[],
): Promise<Map<string, string[]>> {
  const rows = await sql`SELECT a.package, COALESCE(f.version, a.version) AS version
    FROM artifacts a LEFT JOIN facts f ON f.repository = a.repository AND f.package = a.package AND f.file = a.file
    WHERE a.repository = ${repository} AND a.package IN (${list(names)})
    UNION SELECT package, version FROM fetches WHERE repository = ${repository} AND package IN (${list(names)})`;
  const found = new Map<string, string[]>();
  for (const { package: name, version } of rows)
    found.set(name, [...(found.get(name) ?? []), version]);
  return found;
}

async function look(
  { database, events, advisories, waivers, now }: SweepDeps,
  repository: PolicedRepository,
  name: string,
  versions: readonly string[],
  isFirst: boolean,
): Promise<number> {
  const { purlType } = repository.ecosystem!;
  const about = await advisories.about(purlType, name);
  await repository.popular?.load();
  const policy = createPolicy(repository.rules, repository, waivers);
  const wanted: [id: string, RepositoryEvent, isNews: boolean][] = [];
  const blocked: string[] = [];
  for (const version of versions) {
    const release = { package: name, version, publishedAt: null };
    const why = policy.decide(release, now(), about);
    const isRevoked = why?.verdict === "block" && why.advisory !== undefined;
    if (isRevoked) {
      blocked.push(version);
      const detail = {
        purl: makePurl(purlType, name, version),
        advisory: why.advisory,
        rule: why.rule,
      };
      wanted.push([
        why.advisory!,
        {
          kind: "revoked",
          package: name,
          version,
          message: `${why.message}. It was fetched here before`,
          detail,
        },
        true,
      ]);
    }
    for (const { advisory, doubt } of countedFor(version, about, repository)) {
      if (isRevoked && advisory.id === why.advisory) continue;
      const { id, summary, severity, url, kind } = advisory;
      const doubts =
        doubt === null ? "" : ` It does not count by itself (${doubt}): ${DOUBTS[doubt]}.`;
      const message = `${name} ${version}, which was fetched here, is bad by ${id}: ${summary || kind}.${doubts}`;
      const detail = {
        purl: makePurl(purlType, name, version),
        advisory: id,
        severity,
        kind,
        url,
        doubt,
      };
      const isNews = !isFirst && Date.parse(advisory.modifiedAt) >= now() - NEWS_MS;
      wanted.push([id, { kind: "advisory", package: name, version, message, detail }, isNews]);
    }
  }
  return database
    .write(async (sql) => {
      await forgetReleased(sql, repository.name, name, blocked);
      const fresh: RepositoryEvent[] = [];
      for (const [id, event, isNews] of wanted) {
        const rows =
          await sql`INSERT INTO advisory_told (repository, package, version, id, kind, told_at)
          VALUES (${repository.name}, ${name}, ${event.version}, ${id}, ${event.kind}, ${now()})
          ON CONFLICT DO NOTHING RETURNING id`;
        if (rows.length === 0 || !isNews) continue;
        const [{ callers }] = await sql`SELECT count(DISTINCT caller) AS callers FROM fetches
          WHERE repository = ${repository.name} AND package = ${name} AND version = ${event.version} AND files > 0`;
        const whole = { ...event, detail: { ...event.detail, fetchedBy: Number(callers) } };
        await events.store(sql, repository.name, whole);
        fresh.push(whole);
      }
      return fresh;
    })
    .then((fresh) => {
      for (const event of fresh) events.announce(repository.name, event);
      return fresh.length;
    });
}

/** What is blocked once more is told once more. */
async function forgetReleased(
  sql: Query,
  repository: string,
  name: string,
  blocked: readonly string[],
): Promise<void> {
  await sql`DELETE FROM advisory_told WHERE repository = ${repository} AND package = ${name} AND kind = 'revoked'
    AND NOT version IN (${list(["", ...blocked])})`;
}

const DOUBTS = {
  widened: "it names other versions, and was widened to all",
  popular: "it is about all versions of a name that very many use, and one source alone tells it",
} as const;
