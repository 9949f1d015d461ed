// Stored artifacts in the catalog.
import type { Artifact, KnownFile, StoredArtifactRow } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import { everyFact, readFact } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import { type FileKey, type Pin, pin } from "../ledger/pins.ts";
import type { Query } from "../store/database.ts";

/** Which bytes are stored, and when they were last used; or null. */
export async function readStored(
  sql: Query,
  { repository, package: name, file }: FileKey,
): Promise<{ sha256: string; size: number; usedAt: number } | null> {
  const [row] = await sql`SELECT sha256, size, used_at FROM artifacts
    WHERE repository = ${repository} AND package = ${name} AND file = ${file}`;
  if (!row) return null;
  return { sha256: row.sha256, size: Number(row.size), usedAt: Number(row.used_at) };
}

/** Pins the bytes and puts them into the catalog. Throws Problem("tampered") when others were pinned meanwhile. `path`: how a client asks for it. */
export async function writeStored(
  sql: Query,
  repository: string,
  artifact: Artifact,
  found: Pin,
  path: string,
): Promise<void> {
  const { package: name, file, version, purl } = artifact;
  const first = await pin(sql, { repository, package: name, file }, found);
  if (first.sha256 !== found.sha256)
    throw new Problem("tampered", `${file} is pinned to ${first.sha256}, not ${found.sha256}`);
  await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
    VALUES (${repository}, ${name}, ${file}, ${version}, ${purl}, ${found.sha256},
    ${found.size}, ${found.firstSeen}, ${found.upstream}, ${path}, ${found.firstSeen}) ON CONFLICT DO NOTHING`;
}

/** All files of a package known from its documents or fetched, in no order. */
export async function knownFiles(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<KnownFile[]> {
  const found = new Map<string, KnownFile>();
  for await (const facts of everyFact(sql, repository, packageName))
    for (const fact of facts) found.set(fact.file, knownOf(fact));
  const rows =
    await sql`SELECT a.file, a.version, a.sha256, a.size, p.digests FROM artifacts a LEFT JOIN pins p
    ON p.repository = a.repository AND p.package = a.package AND p.file = a.file
    WHERE a.repository = ${repository} AND a.package = ${packageName}`;
  for (const row of rows) found.set(row.file, fetchedOf(found.get(row.file) ?? null, row));
  return [...found.values()];
}

/** The same of one file; null when nothing is known of it. */
export async function knownFile(sql: Query, key: FileKey): Promise<KnownFile | null> {
  const fact = await readFact(sql, key);
  const known = fact && knownOf(fact);
  const [row] =
    await sql`SELECT a.file, a.version, a.sha256, a.size, p.digests FROM artifacts a LEFT JOIN pins p
    ON p.repository = a.repository AND p.package = a.package AND p.file = a.file
    WHERE a.repository = ${key.repository} AND a.package = ${key.package} AND a.file = ${key.file}`;
  return row ? fetchedOf(known, row) : known;
}

function knownOf({ file, version, integrity, goneAt }: KnownFact): KnownFile {
  return {
    file,
    version,
    integrity,
    sha256: null,
    digests: null,
    size: null,
    gone: goneAt !== null,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function fetchedOf(known: KnownFile | null, row: any): KnownFile {
  return {
    file: row.file,
    version: row.version,
    integrity: known?.integrity ?? null,
    sha256: row.sha256,
    digests: row.digests,
    size: Number(row.size),
    gone: known?.gone ?? false,
  };
}

/** What is stored of a package, or of all. */
export async function listStored(
  sql: Query,
  repository: string,
  packageName: string | null,
): Promise<StoredArtifactRow[]> {
  if (packageName !== null)
    return storedRows(
      await sql`SELECT package, version, file, sha256, size, fetched_at FROM artifacts
        WHERE repository = ${repository} AND package = ${packageName}`,
    );
  const found: StoredArtifactRow[] = [];
  for (let last = { package: "", file: "" }; ; ) {
    const rows = await sql`SELECT package, version, file, sha256, size, fetched_at FROM artifacts
      WHERE repository = ${repository} AND (package, file) > (${last.package}, ${last.file})
      ORDER BY package, file LIMIT ${PAGE}`;
    for (const row of storedRows(rows)) found.push(row);
    if (rows.length < PAGE) return found;
    last = found.at(-1)!;
    // There may be a million, and requests have their turn in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const PAGE = 5000;

function storedRows(rows: Record<string, string>[]): StoredArtifactRow[] {
  return rows.map((row) => ({
    package: row["package"]!,
    version: row["version"]!,
    file: row["file"]!,
    sha256: row["sha256"]!,
    size: Number(row["size"]),
    fetchedAt: Number(row["fetched_at"]),
  }));
}

/** Takes files out of the catalog; their pins stay. Returns the blobs that they named: nothing else may name them any more. */
export async function removeStored(
  sql: Query,
  repository: string,
  files: readonly { package: string; file: string }[],
): Promise<{ files: number; blobs: { sha256: string; size: number }[] }> {
  const blobs = new Map<string, number>();
  let count = 0;
  for (const { package: name, file } of files) {
    const [row] = await sql`DELETE FROM artifacts
      WHERE repository = ${repository} AND package = ${name} AND file = ${file} RETURNING sha256, size`;
    if (!row) continue;
    count += 1;
    blobs.set(row.sha256, Number(row.size));
  }
  return { files: count, blobs: [...blobs].map(([sha256, size]) => ({ sha256, size })) };
}

/** A file that was fetched, and when it was last used. */
export interface UsedFile {
  package: string;
  version: string;
  file: string;
  sha256: string;
  size: number;
  usedAt: number;
}

/** Writes down when files were last used. What was published here, and what has gone, is no matter. */
export async function writeUses(
  sql: Query,
  uses: readonly (FileKey & { at: number })[],
): Promise<void> {
  for (const { repository, package: name, file, at } of uses)
    await sql`UPDATE artifacts SET used_at = ${at}
      WHERE repository = ${repository} AND package = ${name} AND file = ${file} AND used_at < ${at}`;
}

/** Takes fetched files out of the catalog, but those that were used since, or published here: their pins stay. Returns those that went. */
export async function removeUnused<File extends UsedFile>(
  sql: Query,
  repository: string,
  files: readonly File[],
): Promise<File[]> {
  const gone: File[] = [];
  for (const one of files) {
    const [row] = await sql`DELETE FROM artifacts WHERE repository = ${repository}
      AND package = ${one.package} AND file = ${one.file} AND used_at = ${one.usedAt} RETURNING sha256`;
    if (row) gone.push(one);
  }
  return gone;
}
