// What was published, or changed since, of all repositories: for a server that keeps a copy of it.
import { createHash } from "node:crypto";
import type { Query } from "../store/database.ts";

export interface ChangedPackage {
  repository: string;
  package: string;
  revision: number;
  /** Those that are there, and not in the trash. */
  files: string[];
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
type Row = any;

const MOST = 200;

/** After what `cursor` was given with before (empty: from the beginning), the oldest first; some at a time. */
export async function readChanged(
  sql: Query,
  cursor: string,
): Promise<{ items: ChangedPackage[]; cursor: string }> {
  const [, time = "-1", seen = ""] = /^(\d{1,15})\.([\w-]*)$/.exec(cursor) ?? [];
  const since = Number(time);
  const before = await changedAt(sql, since);
  const later = await sql`SELECT repository, package, revision, changed_at FROM hosted_packages
    WHERE changed_at > ${since} ORDER BY changed_at, repository, package LIMIT ${MOST}`;
  // More can come in the millisecond that was told last, and what a portion ends in is told whole.
  const last = later.length < MOST ? null : Number(later.at(-1).changed_at);
  const rows: Row[] = [
    ...(digestOf(before) === seen ? [] : before),
    ...later.filter((row: Row) => Number(row.changed_at) !== last),
    ...(last === null ? [] : await changedAt(sql, last)),
  ];
  const newest = rows.at(-1);
  if (!newest) return { items: [], cursor };
  const end = Number(newest.changed_at);
  const items: ChangedPackage[] = [];
  for (const { repository, package: name, revision } of rows) {
    const files = await sql`SELECT file FROM hosted_files
      WHERE repository = ${repository} AND package = ${name} AND removed_at IS NULL ORDER BY file`;
    items.push({
      repository,
      package: name,
      revision: Number(revision),
      files: files.map(({ file }: Row) => file),
    });
  }
  const ending = rows.filter((row) => Number(row.changed_at) === end);
  return { items, cursor: `${end}.${digestOf(ending)}` };
}

function changedAt(sql: Query, at: number): Promise<Row[]> {
  return sql`SELECT repository, package, revision, changed_at FROM hosted_packages
    WHERE changed_at = ${at} ORDER BY repository, package`;
}

function digestOf(rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const said = rows.map((row) => [row.repository, row.package, Number(row.revision)]);
  return createHash("sha256").update(JSON.stringify(said)).digest("base64url").slice(0, 16);
}
