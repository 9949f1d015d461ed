// Who fetched what, as an operator asks: by package, version, digest, caller, address and day, the newest day first.
import type { Query } from "../store/database.ts";
import { list, tuples } from "../store/several.ts";
import { dayOf, type FetchRow, fetchOf } from "./fetches.ts";

export interface FetchQuestion {
  repositories: readonly string[];
  /** One package, in all its spellings. */
  packages?: readonly string[] | undefined;
  version?: string | undefined;
  /** SHA-256 of a file that is stored. */
  digest?: string | undefined;
  principal?: string | undefined;
  address?: string | undefined;
  /** Milliseconds since the epoch; whole days count. */
  since?: number | undefined;
  until?: number | undefined;
  before: FetchMark | null;
  limit: number;
}

/** Where a page ends. */
export type FetchMark = Pick<FetchRow, "repository" | "package" | "version" | "caller"> & {
  day: number;
};

const LAST: FetchMark = {
  day: Number.MAX_SAFE_INTEGER,
  repository: "",
  package: "",
  version: "",
  caller: "",
};
/** Releases that one file can belong to. */
const MOST_RELEASES = 64;

export function markOf(row: FetchRow): FetchMark {
  const { repository, package: name, version, caller, firstAt } = row;
  return { day: dayOf(firstAt), repository, package: name, version, caller };
}

/** A row a release, caller and day. */
export async function searchFetches(sql: Query, asked: FetchQuestion): Promise<FetchRow[]> {
  const { version = "", principal = "", address = "", limit } = asked;
  const { day, repository, package: name, version: below, caller } = asked.before ?? LAST;
  const first = asked.since === undefined ? 0 : dayOf(asked.since);
  const last = asked.until === undefined ? LAST.day : dayOf(asked.until);
  const places = list(asked.repositories);
  const names = list(asked.packages ?? []);
  if (asked.digest) {
    const releases = await releasesOf(sql, asked.digest, asked.repositories);
    if (releases.length === 0) return [];
    const rows =
      await sql`SELECT * FROM fetches WHERE (repository, package, version) IN (VALUES ${tuples(releases)})
      AND day >= ${first} AND day <= ${last}
      AND (day, repository, package, version, caller) < (${day}, ${repository}, ${name}, ${below}, ${caller})
      AND (${asked.packages === undefined ? 1 : 0} = 1 OR package IN (${names})) AND (${version} = '' OR version = ${version})
      AND (${principal} = '' OR principal = ${principal}) AND (${address} = '' OR address = ${address})
      ORDER BY day DESC, repository DESC, package DESC, version DESC, caller DESC LIMIT ${limit}`;
    return rows.map(fetchOf);
  }
  // Each by the index of what tells most of it apart, and not by that of repositories (`|| ''`): there may be many million rows.
  const rows = asked.packages
    ? await sql`SELECT * FROM fetches WHERE repository IN (${places}) AND package IN (${names})
        AND day >= ${first} AND day <= ${last}
        AND (day, repository, package, version, caller) < (${day}, ${repository}, ${name}, ${below}, ${caller})
        AND (${version} = '' OR version = ${version})
        AND (${principal} = '' OR principal = ${principal}) AND (${address} = '' OR address = ${address})
        ORDER BY day DESC, repository DESC, package DESC, version DESC, caller DESC LIMIT ${limit}`
    : principal
      ? await sql`SELECT * FROM fetches WHERE principal = ${principal} AND (repository || '') IN (${places})
          AND day >= ${first} AND day <= ${last}
          AND (day, repository, package, version, caller) < (${day}, ${repository}, ${name}, ${below}, ${caller})
          AND (${version} = '' OR version = ${version}) AND (${address} = '' OR address = ${address})
          ORDER BY day DESC, repository DESC, package DESC, version DESC, caller DESC LIMIT ${limit}`
      : address
        ? await sql`SELECT * FROM fetches WHERE address = ${address} AND (repository || '') IN (${places})
            AND day >= ${first} AND day <= ${last}
            AND (day, repository, package, version, caller) < (${day}, ${repository}, ${name}, ${below}, ${caller})
            AND (${version} = '' OR version = ${version})
            ORDER BY day DESC, repository DESC, package DESC, version DESC, caller DESC LIMIT ${limit}`
        : await sql`SELECT * FROM fetches WHERE (repository || '') IN (${places})
            AND day >= ${first} AND day <= ${last}
            AND (day, repository, package, version, caller) < (${day}, ${repository}, ${name}, ${below}, ${caller})
            AND (${version} = '' OR version = ${version})
            ORDER BY day DESC, repository DESC, package DESC, version DESC, caller DESC LIMIT ${limit}`;
  return rows.map(fetchOf);
}

/** Those that have a file with these bytes. */
async function releasesOf(sql: Query, digest: string, repositories: readonly string[]) {
  const rows = await sql`SELECT DISTINCT repository, package, version FROM artifacts
    WHERE sha256 = ${digest.toLowerCase()} AND repository IN (${list(repositories)}) LIMIT ${MOST_RELEASES}`;
  return rows.map((row) => [row.repository, row.package, row.version]);
}
