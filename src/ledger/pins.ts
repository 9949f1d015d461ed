// Trust on first use: the first digest seen of a file's bytes is the only one ever served. A trigger keeps the rows final, but for those that an operator took back in writing.
import type { Integrity } from "../core/integrity.ts";
import type { Query } from "../store/database.ts";
import { list } from "../store/several.ts";

export interface Pin {
  sha256: string;
  size: number;
  firstSeen: number;
  upstream: string;
  /** Further digests of the same bytes, where the format publishes them. */
  digests: Integrity | null;
  /** What the archive holds (Format.contentDigest). */
  content: string | null;
}

export interface FileKey {
  repository: string;
  package: string;
  file: string;
}

export async function readPin(sql: Query, key: FileKey): Promise<Pin | null> {
  const [row] = await sql`SELECT sha256, size, first_seen, upstream, digests, content FROM pins
    WHERE repository = ${key.repository} AND package = ${key.package} AND file = ${key.file}`;
  return row ? fromRow(row) : null;
}

/** The pins of some files of a package, by file. */
export async function readPins(
  sql: Query,
  repository: string,
  packageName: string,
  files: readonly string[],
): Promise<Map<string, Pin>> {
  const rows = await sql`SELECT file, sha256, size, first_seen, upstream, digests, content FROM pins
    WHERE repository = ${repository} AND package = ${packageName}
    AND file IN (${list(files)})`;
  return new Map(rows.map((row) => [row.file, fromRow(row)]));
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function fromRow(row: any): Pin {
  return {
    sha256: row.sha256,
    size: Number(row.size),
    firstSeen: Number(row.first_seen),
    upstream: row.upstream,
    digests: row.digests,
    content: row.content,
  };
}

/** The further digests of a package's files, where there are any, and since when they are known (ISO 8601). */
export async function readDigests(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<Map<string, { integrity: Integrity; since: string }>> {
  const rows = await sql`SELECT file, digests, first_seen FROM pins
    WHERE repository = ${repository} AND package = ${packageName} AND digests IS NOT NULL`;
  return new Map(
    rows.map(({ file, digests, first_seen }: Record<string, string>) => {
      const since = new Date(Number(first_seen)).toISOString();
      return [file!, { integrity: digests!, since }];
    }),
  );
}

/** Records the digest unless one was recorded before; returns the first one. */
export async function pin(sql: Query, key: FileKey, found: Pin): Promise<Pin> {
  await sql`INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream, digests, content)
    VALUES (${key.repository}, ${key.package}, ${key.file}, ${found.sha256}, ${found.size},
    ${found.firstSeen}, ${found.upstream}, ${found.digests}, ${found.content}) ON CONFLICT DO NOTHING`;
  return (await readPin(sql, key)) ?? found;
}

/** Writes down that a pin is taken back, and removes it. Returns it; null when there is none. */
export async function unpin(
  sql: Query,
  key: FileKey,
  { at, by, reason }: { at: number; by: string; reason: string },
): Promise<Pin | null> {
  const pin = await readPin(sql, key);
  if (!pin) return null;
  await sql`INSERT INTO unpinned (at, by, reason, repository, package, file, sha256, size, first_seen, upstream, digests, content)
    VALUES (${at}, ${by}, ${reason}, ${key.repository}, ${key.package}, ${key.file}, ${pin.sha256}, ${pin.size},
    ${pin.firstSeen}, ${pin.upstream}, ${pin.digests}, ${pin.content})`;
  await sql`DELETE FROM pins
    WHERE repository = ${key.repository} AND package = ${key.package} AND file = ${key.file}`;
  return pin;
}

/** Names of pinned files of a package, sorted, at most `limit`. */
export async function listPinned(
  sql: Query,
  repository: string,
  packageName: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql`SELECT file FROM pins
    WHERE repository = ${repository} AND package = ${packageName} ORDER BY file LIMIT ${limit}`;
  return rows.map(({ file }: { file: string }) => file);
}
