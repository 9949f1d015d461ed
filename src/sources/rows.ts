// What is remembered of code hosts: the first commit of each of their refs.
import type { RepositoryEvent } from "../core/event.ts";
import type { SourceRef, SourceRefs } from "../core/source.ts";
import type { Fetched } from "../git/mirror.ts";
import { HERE } from "../hosted/rows.ts";
import type { Query } from "../store/database.ts";

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
type Row = any;

export interface SourceKey {
  repository: string;
  url: string;
}

export interface SourceRow {
  url: string;
  root: string;
  head: string | null;
  listing: string;
  /** When it last answered. */
  refreshedAt: number;
  /** Why it did not, the last time; null where it did. */
  failure: string | null;
}

export async function readSources(sql: Query, repository: string): Promise<SourceRow[]> {
  const rows = await sql`SELECT * FROM sources WHERE repository = ${repository} ORDER BY url`;
  return rows.map(sourceOf);
}

export async function readSource(
  sql: Query,
  { repository, url }: SourceKey,
): Promise<SourceRow | null> {
  const [row] = await sql`SELECT * FROM sources WHERE repository = ${repository} AND url = ${url}`;
  return row ? sourceOf(row) : null;
}

function sourceOf(row: Row): SourceRow {
  return {
    url: row.url,
    root: row.root,
    head: row.head,
    listing: row.listing,
    refreshedAt: Number(row.refreshed_at),
    failure: row.failure,
  };
}

export async function readRefs(
  sql: Query,
  { repository, url }: SourceKey,
): Promise<Pick<SourceRefs, "tags" | "branches">> {
  const rows =
    await sql`SELECT * FROM source_refs WHERE repository = ${repository} AND url = ${url} ORDER BY ref`;
  const tags = new Map<string, SourceRef>();
  const branches = new Map<string, SourceRef>();
  for (const row of rows) {
    const isTag = row.kind === "tag";
    (isTag ? tags : branches).set(row.ref, {
      name: row.ref,
      commit: isTag ? row.first_commit : row.last_commit,
      isGone: row.gone_at !== null,
      firstSeenAt: Number(row.first_seen_at),
    });
  }
  return { tags, branches };
}

/** The code host answered that nothing is new. */
export async function touchSource(
  sql: Query,
  { repository, url }: SourceKey,
  at: number,
): Promise<void> {
  await sql`UPDATE sources SET refreshed_at = ${at}, failed_at = NULL, failure = NULL
    WHERE repository = ${repository} AND url = ${url}`;
}

/** The code host could not be asked. Code that was never had has no row: anybody may ask for any name. */
export async function noteFailure(
  sql: Query,
  { repository, url }: SourceKey,
  why: string,
  at: number,
): Promise<void> {
  await sql`UPDATE sources SET failed_at = ${at}, failure = ${why} WHERE repository = ${repository} AND url = ${url}`;
}

/** Writes down what a code host has now. Returns what an operator must know of it. */
export async function mergeSource(
  sql: Query,
  key: SourceKey & { root: string },
  fetched: Fetched,
  at: number,
): Promise<RepositoryEvent[]> {
  const { repository, url, root } = key;
  const events: RepositoryEvent[] = [];
  const known = new Map<string, Row>();
  const rows =
    await sql`SELECT * FROM source_refs WHERE repository = ${repository} AND url = ${url}`;
  for (const row of rows) known.set(`${row.kind} ${row.ref}`, row);
  for (const { kind, name, commit } of fetched.refs) {
    const row = known.get(`${kind} ${name}`);
    known.delete(`${kind} ${name}`);
    if (!row) {
      await sql`INSERT INTO source_refs (repository, url, kind, ref, first_commit, last_commit, first_seen_at, gone_at)
        VALUES (${repository}, ${url}, ${kind}, ${name}, ${commit}, ${commit}, ${at}, NULL)`;
      continue;
    }
    if (row.last_commit === commit && row.gone_at === null) continue;
    await sql`UPDATE source_refs SET last_commit = ${commit}, gone_at = NULL
      WHERE repository = ${repository} AND url = ${url} AND kind = ${kind} AND ref = ${name}`;
    if (kind !== "tag") continue;
    if (row.last_commit !== commit && row.first_commit !== commit)
      events.push(moved(root, url, name, row.first_commit, commit));
    else if (row.gone_at !== null)
      events.push({
        kind: "returned",
        package: root,
        version: name,
        message: `The tag ${name} of ${url} is there again`,
        detail: { url, commit },
      });
  }
  for (const row of known.values()) {
    if (row.gone_at !== null) continue;
    await sql`UPDATE source_refs SET gone_at = ${at}
      WHERE repository = ${repository} AND url = ${url} AND kind = ${row.kind} AND ref = ${row.ref}`;
    if (row.kind === "tag") events.push(orphaned(root, url, row.ref, row.first_commit));
  }
  await sql`INSERT INTO sources (repository, url, root, head, listing, refreshed_at)
    VALUES (${repository}, ${url}, ${root}, ${fetched.head}, ${fetched.listing}, ${at})
    ON CONFLICT (repository, url) DO UPDATE SET head = excluded.head, listing = excluded.listing, refreshed_at = excluded.refreshed_at,
      failed_at = NULL, failure = NULL`;
  return events;
}

function moved(
  root: string,
  url: string,
  tag: string,
  first: string,
  now: string,
): RepositoryEvent {
  return {
    kind: "tampered",
    package: root,
    version: tag,
    message: `The tag ${tag} of ${url} names another commit than when it was first seen; what is released of it stays the first one's`,
    detail: { url, expected: first, found: now },
  };
}

function orphaned(root: string, url: string, tag: string, commit: string): RepositoryEvent {
  return {
    kind: "orphaned",
    package: root,
    version: tag,
    message: `The tag ${tag} of ${url} is gone; what is released of it stays`,
    detail: { url, commit },
  };
}

/** Files of a package that were published here and are no longer shown: somebody removed them. */
export async function readRemoved(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<ReadonlySet<string>> {
  const rows =
    await sql`SELECT file FROM pins WHERE repository = ${repository} AND package = ${packageName} AND upstream = ${HERE}
      AND file NOT IN (SELECT file FROM hosted_files
        WHERE repository = ${repository} AND package = ${packageName} AND removed_at IS NULL)
      UNION SELECT file FROM hosted_files
        WHERE repository = ${repository} AND package = ${packageName} AND removed_at IS NOT NULL`;
  return new Set(rows.map(({ file }: Row) => file));
}
