// What was found out of who made files: a row a file, written anew when somebody looks again.
import type { Provenance, ProvenanceState } from "../core/provenance.ts";
import type { Query } from "../store/database.ts";
import type { FileKey } from "./pins.ts";

export interface KnownProvenance extends Provenance {
  file: string;
  version: string;
  /** Milliseconds since the epoch. */
  checkedAt: number;
}

/** Of all files of a package that were looked at, by file. */
export async function readProvenance(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<KnownProvenance[]> {
  const rows =
    await sql`SELECT file, version, state, builder, signature, why, checked_at FROM provenance
    WHERE repository = ${repository} AND package = ${packageName} ORDER BY file`;
  return rows.map(fromRow);
}

/** What was verified once stays: nobody takes a signature back by not showing it any more. */
export async function writeProvenance(
  sql: Query,
  { repository, package: name, file }: FileKey,
  version: string,
  found: Provenance,
  now: number,
): Promise<void> {
  const builder = found.builder && JSON.stringify(found.builder);
  await sql`INSERT INTO provenance (repository, package, file, version, state, builder, signature, why, checked_at)
    VALUES (${repository}, ${name}, ${file}, ${version}, ${found.state}, ${builder}, ${found.signature}, ${found.why}, ${now})
    ON CONFLICT (repository, package, file) DO UPDATE SET version = excluded.version, state = excluded.state,
    builder = excluded.builder, signature = excluded.signature, why = excluded.why, checked_at = excluded.checked_at
    WHERE provenance.state <> 'verified' OR excluded.state = 'verified'`;
}

/**
 * Files that are stored since a time and that nobody looked at, or in vain and not since `again`: some at a time, in the order in which they came.
 */
export async function* everyUnchecked(
  sql: Query,
  repository: string,
  since: number,
  again: number,
): AsyncGenerator<{ package: string; version: string; file: string }[]> {
  for (let last = { fetchedAt: since, package: "", file: "" }; ; ) {
    const rows = await sql`SELECT a.package, a.version, a.file, a.fetched_at FROM artifacts a
      WHERE a.repository = ${repository} AND (a.fetched_at, a.package, a.file) > (${last.fetchedAt}, ${last.package}, ${last.file})
      AND NOT EXISTS (SELECT 1 FROM provenance p WHERE p.repository = a.repository AND p.package = a.package AND p.file = a.file
        AND (p.state <> 'unverified' OR p.checked_at >= ${again}))
      ORDER BY a.fetched_at, a.package, a.file LIMIT ${PAGE}`;
    yield rows.map((row) => ({ package: row.package, version: row.version, file: row.file }));
    if (rows.length < PAGE) return;
    const end = rows.at(-1);
    last = { fetchedAt: Number(end.fetched_at), package: end.package, file: end.file };
  }
}

/** Files of a package that are published here and that nobody looked at, the newest of them. */
export async function uncheckedPublished(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<{ package: string; version: string; file: string }[]> {
  const rows = await sql`SELECT h.version, h.file FROM hosted_files h
    WHERE h.repository = ${repository} AND h.package = ${packageName} AND h.removed_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM provenance p WHERE p.repository = h.repository AND p.package = h.package AND p.file = h.file)
    ORDER BY h.published_at DESC, h.file LIMIT ${NEWEST}`;
  return rows.map((row) => ({ package: packageName, version: row.version, file: row.file }));
}

/** More are not published at once. */
const NEWEST = 20;
const PAGE = 100;

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function fromRow(row: any): KnownProvenance {
  return {
    file: row.file,
    version: row.version,
    state: row.state as ProvenanceState,
    builder: row.builder === null ? null : JSON.parse(row.builder),
    signature: row.signature,
    why: row.why,
    checkedAt: Number(row.checked_at),
  };
}
