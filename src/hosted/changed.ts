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
/** A change may be written down with a time that is so much before now: clocks of several servers differ, and a transaction takes a while. */
const UNSETTLED_MS = 5 * 60_000;

/**
 * After what `cursor` was given with before (empty: from the beginning), the oldest first; some at a time. Times do not rise from change to
 * change: that of a package may be far ahead. So what is younger than UNSETTLED_MS is looked at again, and told again when it is something else.
 */
export async function readChanged(
  sql: Query,
  cursor: string,
  now: number,
): Promise<{ items: ChangedPackage[]; cursor: string }> {
  const before = parseCursor(cursor);
  let { settled, told, seen } = before;
  let known = await between(sql, settled, told);
  const isAsTold = seenOf("", known) === seen;
  let more = await portionAfter(sql, told);
  // Where there is more, that is told before anything is again: a portion must not begin from the front for ever.
  const isAgain = !isAsTold && more.length < MOST;
  if (isAgain) {
    [told, seen, known] = [settled, "", []];
    more = await portionAfter(sql, settled);
  }
  told = Number(more.at(-1)?.changed_at ?? told);
  seen = seenOf(seen, more);
  if (isAsTold || isAgain) {
    // Nothing is written any more at times before this one, and all at them was told.
    const all = [...known, ...more];
    const old = all.filter((row) => Number(row.changed_at) < now - UNSETTLED_MS);
    settled = Number(old.at(-1)?.changed_at ?? settled);
    seen = seenOf("", all.slice(old.length));
  }
  return { items: await withFiles(sql, more), cursor: `${settled}.${told}.${seen}` };
}

/** All up to `settled` was told and stays as it is; up to `told` it was told, and `seen` is of what that was. */
function parseCursor(cursor: string) {
  const [, settled = "-1", told = "-1", seen = ""] =
    /^(-1|\d{1,15})\.(-1|\d{1,15})\.([\w-]*)$/.exec(cursor) ?? [];
  return { settled: Number(settled), told: Number(told), seen };
}

function between(sql: Query, after: number, to: number): Promise<Row[]> {
  return sql`SELECT repository, package, revision, changed_at FROM hosted_packages
    WHERE changed_at > ${after} AND changed_at <= ${to} ORDER BY changed_at, repository, package`;
}

/** Some of the next; all of the millisecond that they end in. Fewer than MOST: there are no more. */
async function portionAfter(sql: Query, after: number): Promise<Row[]> {
  const rows: Row[] =
    await sql`SELECT repository, package, revision, changed_at FROM hosted_packages
    WHERE changed_at > ${after} ORDER BY changed_at, repository, package LIMIT ${MOST}`;
  if (rows.length < MOST) return rows;
  return between(sql, after, Number(rows.at(-1).changed_at));
}

/** Of rows one after the other: goes on from what it was of those before. */
function seenOf(before: string, rows: readonly Row[]): string {
  return rows.reduce((seen, row) => {
    const said = [seen, row.repository, row.package, Number(row.revision)];
    return createHash("sha256").update(JSON.stringify(said)).digest("base64url").slice(0, 16);
  }, before);
}

async function withFiles(sql: Query, rows: readonly Row[]): Promise<ChangedPackage[]> {
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
  return items;
}
