// What was published, or changed since, of all repositories: for who keeps a copy of what is said of it.
import type { Query } from "../store/database.ts";

export interface ChangedPackage {
  repository: string;
  package: string;
  revision: number;
  changedAt: number;
}

const MOST = 1000;

/** From that time on, the oldest first. More than a thousand of one millisecond are given whole: who asks again asks from there. */
export async function readChanged(sql: Query, since: number): Promise<ChangedPackage[]> {
  const rows = await sql`SELECT repository, package, revision, changed_at FROM hosted_packages
    WHERE changed_at >= ${since} ORDER BY changed_at, repository, package LIMIT ${MOST}`;
  const last = rows.length < MOST ? null : rows.at(-1).changed_at;
  const all =
    last === null
      ? rows
      : [
          ...rows.filter((row: { changed_at: unknown }) => row.changed_at !== last),
          ...(await sql`SELECT repository, package, revision, changed_at FROM hosted_packages WHERE changed_at = ${last}`),
        ];
  // biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
  return all.map((row: any) => ({
    repository: row.repository,
    package: row.package,
    revision: Number(row.revision),
    changedAt: Number(row.changed_at),
  }));
}
