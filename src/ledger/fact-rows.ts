// Facts in the catalog: one row a file.
import type { Query } from "../store/database.ts";
import { list, portions, tuples } from "../store/several.ts";
import type { KnownFact } from "./facts.ts";
import type { FileKey } from "./pins.ts";

/** What is known of one file; null when no document named it. */
export async function readFact(sql: Query, key: FileKey): Promise<KnownFact | null> {
  const [row] = await sql`SELECT * FROM facts
    WHERE repository = ${key.repository} AND package = ${key.package} AND file = ${key.file}`;
  return row ? fromRow(row) : null;
}

/** What is known of some files of a package, in no order. */
export async function readFacts(
  sql: Query,
  repository: string,
  packageName: string,
  files: readonly string[],
): Promise<KnownFact[]> {
  const rows =
    await sql`SELECT * FROM facts WHERE repository = ${repository} AND package = ${packageName}
    AND file IN (${list(files)})`;
  return rows.map(fromRow);
}

/** What is known of the files of some versions of a package, in no order. */
export async function readFactsOfVersions(
  sql: Query,
  repository: string,
  packageName: string,
  versions: readonly string[],
): Promise<KnownFact[]> {
  const rows =
    await sql`SELECT * FROM facts WHERE repository = ${repository} AND package = ${packageName}
    AND version IN (${list(versions)})`;
  return rows.map(fromRow);
}

/** All facts of a package, some at a time, in the order of their files: requests have their turn in between. */
export async function* everyFact(
  sql: Query,
  repository: string,
  packageName: string,
): AsyncGenerator<KnownFact[]> {
  for (let after = ""; ; ) {
    const rows = await sql`SELECT * FROM facts
      WHERE repository = ${repository} AND package = ${packageName} AND file > ${after} ORDER BY file LIMIT ${PAGE}`;
    if (rows.length > 0) yield rows.map(fromRow);
    if (rows.length < PAGE) return;
    after = rows.at(-1).file;
    await breathe();
  }
}

/** Those that have gone, or are shown with another integrity than the first. */
export async function readMarked(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<KnownFact[]> {
  const rows =
    await sql`SELECT * FROM facts WHERE repository = ${repository} AND package = ${packageName}
    AND (gone_at IS NOT NULL OR tampered_at IS NOT NULL) ORDER BY file`;
  return rows.map(fromRow);
}

/** Those that were published after a time (ISO 8601), or first seen after it where nobody tells when they were published. In no order. */
export async function readYoung(
  sql: Query,
  repository: string,
  packageName: string,
  after: string,
): Promise<KnownFact[]> {
  const rows =
    await sql`SELECT * FROM facts WHERE repository = ${repository} AND package = ${packageName}
    AND (published_at > ${after} OR (published_at IS NULL AND first_seen > ${after}))`;
  return rows.map(fromRow);
}

/** All facts of a repository, some at a time, by package and file: requests have their turn in between. */
export async function* everyFactOf(
  sql: Query,
  repository: string,
): AsyncGenerator<{ package: string; fact: KnownFact }[]> {
  for (let last = { package: "", file: "" }; ; ) {
    const rows = await sql`SELECT * FROM facts
      WHERE repository = ${repository} AND (package, file) > (${last.package}, ${last.file})
      ORDER BY package, file LIMIT ${PAGE}`;
    // biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
    yield rows.map((row: any) => ({ package: row.package, fact: fromRow(row) }));
    if (rows.length < PAGE) return;
    last = rows.at(-1);
    await breathe();
  }
}

/** How many of a package's files have not gone. */
export async function countPresent(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<number> {
  // Each is counted in an index alone.
  const [row] =
    await sql`SELECT (SELECT count(*) FROM facts WHERE repository = ${repository} AND package = ${packageName})
    - (SELECT count(*) FROM facts WHERE repository = ${repository} AND package = ${packageName}
       AND (gone_at IS NOT NULL OR tampered_at IS NOT NULL) AND gone_at IS NOT NULL) AS total`;
  return Number(row.total);
}

/**
 * Puts each fact in the place of the one of its revision, or of none. Returns the files of those that were: the others were changed
 * by another writer meanwhile, and nothing was done to them.
 */
export async function swapFacts(
  sql: Query,
  repository: string,
  packageName: string,
  facts: readonly KnownFact[],
): Promise<Set<string>> {
  const won = new Set<string>();
  const rows = facts.map((fact) => [repository, packageName, ...toRow(fact)]);
  for (const some of portions(rows)) {
    const written =
      await sql`INSERT INTO facts (repository, package, file, version, integrity, is_grown, location, published_at, first_seen,
      traits, gone_at, tampered_at, tampered_shown, revision) VALUES ${tuples(some)}
      ON CONFLICT (repository, package, file) DO UPDATE SET version = excluded.version, integrity = excluded.integrity,
      is_grown = excluded.is_grown, location = excluded.location, published_at = excluded.published_at, traits = excluded.traits, gone_at = excluded.gone_at,
      tampered_at = excluded.tampered_at, tampered_shown = excluded.tampered_shown, revision = excluded.revision
      WHERE facts.revision = excluded.revision - 1
      RETURNING file`;
    for (const { file } of written) won.add(file);
  }
  return won;
}

/** Rows that are read or written without a pause: five to ten milliseconds. */
export const PAGE = 1000;

/** Whatever waits has its turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function toRow(fact: KnownFact): unknown[] {
  const { file, version, integrity, location, publishedAt, goneAt, tampered } = fact;
  return [
    file,
    version,
    integrity,
    fact.isGrown ? 1 : 0,
    location,
    publishedAt,
    fact.firstSeen,
    fact.traits,
    goneAt,
    tampered?.at ?? null,
    tampered?.shown ?? null,
    fact.revision + 1,
  ];
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function fromRow(row: any): KnownFact {
  return {
    file: row.file,
    version: row.version,
    integrity: row.integrity,
    isGrown: row.is_grown === 1,
    location: row.location,
    publishedAt: row.published_at,
    firstSeen: row.first_seen,
    traits: row.traits,
    goneAt: row.gone_at,
    tampered: row.tampered_at === null ? null : { at: row.tampered_at, shown: row.tampered_shown },
    revision: Number(row.revision),
  };
}
