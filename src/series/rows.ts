// Points in the database.
import type { Labels } from "../core/metrics.ts";
import type { SeriesName } from "../core/series.ts";
import type { Query } from "../store/database.ts";
import { list, portions, tuples } from "../store/several.ts";
import { labelsText } from "./collect.ts";
import type { Amount } from "./origins.ts";

export interface KnownSeries {
  id: number;
  name: SeriesName;
  labels: Labels;
}

export interface Point extends Amount {
  series: number;
  at: number;
}

export async function readKnown(sql: Query): Promise<KnownSeries[]> {
  const rows = await sql`SELECT id, name, labels FROM series ORDER BY id`;
  return rows.map(({ id, name, labels }) => ({
    id: Number(id),
    name,
    labels: JSON.parse(labels),
  }));
}

export async function insertSeries(sql: Query, name: string, labels: Labels): Promise<number> {
  const [row] = await sql`INSERT INTO series (name, labels) VALUES (${name}, ${labelsText(labels)})
    ON CONFLICT (name, labels) DO UPDATE SET name = excluded.name RETURNING id`;
  return Number(row.id);
}

/** Of the steps of this length that begin at or after `from` and before `to`. */
export async function readPoints(
  sql: Query,
  ids: readonly number[],
  step: number,
  from: number,
  to: number,
): Promise<Point[]> {
  const rows = await sql`SELECT series, at, sum, count, max, buckets FROM series_points
    WHERE step = ${step} AND at >= ${from} AND at < ${to} AND series IN (${list(ids)})`;
  return rows.map((row) => ({
    series: Number(row.series),
    at: Number(row.at),
    sum: row.sum,
    count: Number(row.count),
    max: row.max,
    buckets: row.buckets === null ? null : bucketsOf(row.buckets),
  }));
}

/** In place of those that are there. */
export async function writePoints(
  sql: Query,
  step: number,
  points: readonly Point[],
): Promise<void> {
  const rows = points.map(({ series, at, sum, count, max, buckets }) => [
    ...[series, step, at, sum, count, max],
    buckets && textOf(buckets),
  ]);
  for (const some of portions(rows))
    await sql`INSERT INTO series_points (series, step, at, sum, count, max, buckets) VALUES ${tuples(some)}
      ON CONFLICT (step, at, series) DO UPDATE
      SET sum = excluded.sum, count = excluded.count, max = excluded.max, buckets = excluded.buckets`;
}

/** Removes the points of this step that begin before `from`, or after `to`: there is no such time. */
export async function deletePoints(
  sql: Query,
  step: number,
  from: number,
  to: number,
): Promise<void> {
  await sql`DELETE FROM series_points WHERE step = ${step} AND at < ${from}`;
  await sql`DELETE FROM series_points WHERE step = ${step} AND at > ${to}`;
}

/** Series that have no point of the step that is kept longest: they have none at all. */
export async function deleteEmpty(sql: Query, longest: number): Promise<void> {
  await sql`DELETE FROM series
    WHERE id NOT IN (SELECT series FROM series_points WHERE step = ${longest})`;
}

/** "3,,1": most are empty. */
function textOf(buckets: readonly number[]): string {
  return buckets.map((many) => many || "").join(",");
}

function bucketsOf(text: string): number[] {
  return text.split(",").map(Number);
}
