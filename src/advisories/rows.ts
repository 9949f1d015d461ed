// Records of feeds in the database, and what is known of each feed.
import type { Query } from "../store/database.ts";
import { list, portions, tuples } from "../store/several.ts";
import type { OsvRecord } from "./record.ts";

/** A record as it came. */
export interface Came {
  record: OsvRecord;
  deflated: Uint8Array;
  mark: string;
}

/** A package about which something else is known than before. */
export interface Named {
  purlType: string;
  name: string;
}

/** What is known of a record without reading it. */
export interface Mark {
  mark: string;
  modifiedAt: number;
}

export interface FeedRow {
  name: string;
  readAt: number | null;
  wholeAt: number | null;
  newestAt: number | null;
  records: number;
  skipped: number;
  etag: string | null;
  deltaTo: string | null;
  error: string | null;
}

const SEED = "seed/";

/** The feed that is what this program itself knows of an ecosystem. */
export const seedOf = (ecosystem: string): string => `${SEED}${ecosystem}`;

export const isSeed = (feed: string): boolean => feed.startsWith(SEED);

export async function readMarks(
  sql: Query,
  feed: string,
  ids: readonly string[],
): Promise<Map<string, Mark>> {
  const rows = await sql`SELECT id, mark, modified_at FROM advisories
    WHERE feed = ${feed} AND id IN (${list(ids)})`;
  return new Map(
    rows.map((row) => [row.id, { mark: row.mark, modifiedAt: Number(row.modified_at) }]),
  );
}

/** In place of what was known under their ids. The packages that they are about, and were. */
export async function writeRecords(
  sql: Query,
  feed: string,
  came: readonly Came[],
): Promise<Named[]> {
  if (came.length === 0) return [];
  const before = await forget(
    sql,
    feed,
    came.map(({ record }) => record.id),
  );
  const rows = came.map(({ record, deflated, mark }) => [
    feed,
    record.id,
    mark,
    record.modifiedAt,
    Number(record.isWithdrawn),
    deflated,
  ]);
  for (const some of portions(rows))
    await sql`INSERT INTO advisories (feed, id, mark, modified_at, withdrawn, raw) VALUES ${tuples(some)}
      ON CONFLICT (feed, id) DO UPDATE SET mark = excluded.mark, modified_at = excluded.modified_at,
      withdrawn = excluded.withdrawn, raw = excluded.raw`;
  const standing = came.filter(({ record }) => !record.isWithdrawn);
  const packages = standing.flatMap(({ record }) =>
    record.packages.map(({ purlType, name }) => [purlType, name, feed, record.id]),
  );
  for (const some of portions(packages))
    await sql`INSERT INTO advisory_packages (purl_type, name, feed, id) VALUES ${tuples(some)}
      ON CONFLICT DO NOTHING`;
  const aliases = came.flatMap(({ record }) =>
    [...new Set(record.aliases)].map((alias) => [alias, feed, record.id]),
  );
  for (const some of portions(aliases))
    await sql`INSERT INTO advisory_aliases (alias, feed, id) VALUES ${tuples(some)} ON CONFLICT DO NOTHING`;
  return [...before, ...standing.flatMap(({ record }) => record.packages)];
}

/** The packages that they were about. */
export async function removeRecords(
  sql: Query,
  feed: string,
  ids: readonly string[],
): Promise<Named[]> {
  const before = await forget(sql, feed, ids);
  await sql`DELETE FROM advisories WHERE feed = ${feed} AND id IN (${list(ids)})`;
  return before;
}

async function forget(sql: Query, feed: string, ids: readonly string[]): Promise<Named[]> {
  const rows = await sql`SELECT DISTINCT purl_type, name FROM advisory_packages
    WHERE feed = ${feed} AND id IN (${list(ids)})`;
  if (rows.length > 0)
    await sql`DELETE FROM advisory_packages WHERE feed = ${feed} AND id IN (${list(ids)})`;
  await sql`DELETE FROM advisory_aliases WHERE feed = ${feed} AND id IN (${list(ids)})`;
  return rows.map((row) => ({ purlType: row.purl_type, name: row.name }));
}

/** Ids of a feed's records, sorted, from after `after` on. */
export async function idsAfter(
  sql: Query,
  feed: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql`SELECT id FROM advisories WHERE feed = ${feed} AND id > ${after}
    ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

export async function countRecords(sql: Query, feed: string): Promise<number> {
  const [row] = await sql`SELECT count(*) AS records FROM advisories WHERE feed = ${feed}`;
  return Number(row.records);
}

/** When the newest record of a feed was last modified. */
export async function newestOf(sql: Query, feed: string): Promise<number | null> {
  const [row] = await sql`SELECT max(modified_at) AS newest FROM advisories WHERE feed = ${feed}`;
  return row.newest === null ? null : Number(row.newest);
}

export async function readFeeds(sql: Query): Promise<FeedRow[]> {
  const rows = await sql`SELECT * FROM feeds ORDER BY name`;
  const number = (value: unknown) => (value === null ? null : Number(value));
  return rows.map((row) => ({
    name: row.name,
    readAt: number(row.read_at),
    wholeAt: number(row.whole_at),
    newestAt: number(row.newest_at),
    records: Number(row.records),
    skipped: Number(row.skipped),
    etag: row.etag,
    deltaTo: row.delta_to,
    error: row.error,
  }));
}

export async function writeFeed(sql: Query, feed: FeedRow): Promise<void> {
  const { name, readAt, wholeAt, newestAt, records, skipped, etag, deltaTo, error } = feed;
  await sql`INSERT INTO feeds (name, read_at, whole_at, newest_at, records, skipped, etag, delta_to, error)
    VALUES (${name}, ${readAt}, ${wholeAt}, ${newestAt}, ${records}, ${skipped}, ${etag}, ${deltaTo}, ${error})
    ON CONFLICT (name) DO UPDATE SET read_at = excluded.read_at, whole_at = excluded.whole_at,
    newest_at = excluded.newest_at, records = excluded.records, skipped = excluded.skipped, etag = excluded.etag,
    delta_to = excluded.delta_to, error = excluded.error`;
}

export async function dropFeed(sql: Query, name: string): Promise<void> {
  await sql`DELETE FROM feeds WHERE name = ${name}`;
}
