// Who keeps a fetched file from making room, told once: whoever removes what is stored to make room asks here, and nowhere else.
import type { Query } from "../store/database.ts";
import { list } from "../store/several.ts";
import type { UsedFile } from "./artifact-rows.ts";

/** A fetched file, and why it stays, in words; null where nobody keeps it. */
export interface Judged extends UsedFile {
  keptBy: string | null;
}

/** Rows of one page: a step of who makes room. */
export const PAGE = 64;

type Row = Awaited<ReturnType<Query>>[number];

/**
 * By the row of a file, with what is known of it beside its bytes. Who else may keep files (a lock file that is kept, say) is one more
 * table in the query below and one more line here.
 */
const KEEPERS: readonly [words: string, keeps: (row: Row) => boolean][] = [
  ["published here", (row) => row.hosted !== null],
  ["gone upstream", (row) => row.gone_at !== null || row.is_absent || row.is_orphaned],
  // The upstream sends other bytes by now: these cannot come again.
  ["altered upstream", (row) => row.tampered_at !== null],
  // Nobody promises the same bytes at another time: an archive that a code host packs when it is asked.
  ["packed anew upstream", (row) => row.content !== null && row.integrity === null],
];

/** Where a walk through a repository stands: after this file. */
export type After = Pick<UsedFile, "usedAt" | "package" | "file">;

export const BEGINNING: After = { usedAt: -1, package: "", file: "" };

/** The next files of a repository after `after` that were last used before `before`, those used longest ago first: PAGE at most. */
export async function judgedFiles(
  sql: Query,
  repository: string,
  after: After,
  before: number,
): Promise<Judged[]> {
  const rows = await sql`SELECT a.package, a.version, a.file, a.sha256, a.size, a.used_at,
      h.file AS hosted, f.gone_at, f.tampered_at, f.integrity, p.content
    FROM artifacts a
    LEFT JOIN hosted_files h ON h.repository = a.repository AND h.package = a.package AND h.file = a.file
    LEFT JOIN facts f ON f.repository = a.repository AND f.package = a.package AND f.file = a.file
    LEFT JOIN pins p ON p.repository = a.repository AND p.package = a.package AND p.file = a.file
    WHERE a.repository = ${repository} AND a.used_at < ${before}
      AND (a.used_at, a.package, a.file) > (${after.usedAt}, ${after.package}, ${after.file})
    ORDER BY a.used_at, a.package, a.file LIMIT ${PAGE}`;
  const orphans = await orphaned(sql, repository, rows);
  const absent = await absentFiles(sql, repository, rows);
  return rows.map((row) => {
    const known = {
      ...row,
      is_absent: absent.has(keyOf(row)),
      is_orphaned: orphans.has(row.package),
    };
    return {
      package: row.package,
      version: row.version,
      file: row.file,
      sha256: row.sha256,
      size: Number(row.size),
      usedAt: Number(row.used_at),
      keptBy: KEEPERS.find(([, keeps]) => keeps(known))?.[0] ?? null,
    };
  });
}

/** Packages a document of which the upstream no longer has. One that was removed to be fetched again is not gone. */
async function orphaned(
  sql: Query,
  repository: string,
  rows: readonly Row[],
): Promise<ReadonlySet<string>> {
  const packages = [...new Set(rows.map((row) => row.package))];
  const found = await sql`SELECT package FROM documents WHERE repository = ${repository}
    AND package IN (${list(packages)}) AND received IS NULL AND fresh_until > 0`;
  return new Set(found.map((row) => row.package));
}

/** Those of which the upstream said that it does not have them, as when their bytes were lost here: see absences.ts. */
async function absentFiles(
  sql: Query,
  repository: string,
  rows: readonly Row[],
): Promise<ReadonlySet<string>> {
  const found =
    await sql`SELECT key FROM absences WHERE repository = ${repository} AND what = 'file'
    AND key IN (${list(rows.map(keyOf))})`;
  return new Set(found.map((row) => row.key));
}

function keyOf(row: Row): string {
  return JSON.stringify([row.package, row.file]);
}
