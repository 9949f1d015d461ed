// What is published here, in the catalog.

import type { HostedFile, HostedPackage, HostedRelease } from "../core/hosted.ts";
import type { PackageFile } from "../core/hosting.ts";
import type { FileKey } from "../ledger/pins.ts";
import type { Query } from "../store/database.ts";

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
type Row = any;

/** A package without its releases: what tells whether anything of it has changed. */
export interface PackageRow {
  name: string;
  revision: number;
  createdAt: number;
  createdBy: string;
  changedAt: number;
  state: Record<string, unknown>;
}

/** A file that is here or in the trash. */
export interface FileRow extends HostedFile {
  purl: string;
  path: string;
  account: string;
  removedAt: number | null;
  removedBy: string | null;
}

export async function readPackageRow(
  sql: Query,
  repository: string,
  name: string,
): Promise<PackageRow | null> {
  const [row] = await sql`SELECT * FROM hosted_packages
    WHERE repository = ${repository} AND package = ${name}`;
  if (!row) return null;
  return {
    name,
    revision: Number(row.revision),
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
    changedAt: Number(row.changed_at),
    state: JSON.parse(row.state),
  };
}

/** All of a package but what was removed. */
export async function readPackage(
  sql: Query,
  repository: string,
  name: string,
): Promise<HostedPackage | null> {
  const row = await readPackageRow(sql, repository, name);
  if (!row) return null;
  const { releases, files } = await readShown(sql, repository, name);
  const byVersion = new Map(releases.map((one) => [one.version, releaseOf(one)]));
  for (const one of files) byVersion.get(one.version)?.files.push(fileOf(one));
  return { ...row, releases: [...byVersion.values()] };
}

/** The same as JSON in pieces, of which what formats keep is not looked into; `size`: characters of that. For packages with much of it. */
export async function readPackageJson(
  sql: Query,
  repository: string,
  row: PackageRow,
): Promise<{ size: number; pieces(): Generator<string> }> {
  const { releases, files } = await readShown(sql, repository, row.name);
  const size = [...releases, ...files].reduce((sum, { metadata }) => sum + metadata.length, 0);
  const byVersion = new Map<string, Row[]>(releases.map(({ version }) => [version, []]));
  for (const one of files) byVersion.get(one.version)?.push(one);
  const stored = (head: object, { metadata }: Row) =>
    `${JSON.stringify(head).slice(0, -1)},"metadata":${metadata}`;
  function* pieces(): Generator<string> {
    yield `${JSON.stringify(row).slice(0, -1)},"releases":[`;
    for (const [at, one] of releases.entries()) {
      const own = byVersion.get(one.version)!.map((file) => `${stored(fileHead(file), file)}}`);
      yield `${at > 0 ? "," : ""}${stored(releaseHead(one), one)},"files":[${own}]}`;
    }
    yield "]}";
  }
  return { size, pieces };
}

/** Rows of releases and files that were not removed, in the order of their publication. */
async function readShown(
  sql: Query,
  repository: string,
  name: string,
): Promise<{ releases: Row[]; files: Row[] }> {
  const releases = await sql`SELECT * FROM hosted_releases
    WHERE repository = ${repository} AND package = ${name} AND removed_at IS NULL ORDER BY place, version`;
  const files = await sql`SELECT * FROM hosted_files
    WHERE repository = ${repository} AND package = ${name} AND removed_at IS NULL ORDER BY place, file`;
  return { releases, files };
}

function releaseHead(row: Row): Omit<HostedRelease, "metadata" | "files"> {
  return {
    version: row.version,
    publishedAt: Number(row.published_at),
    publishedBy: row.published_by,
    yanked: row.yanked,
  };
}

function releaseOf(row: Row): HostedRelease {
  return { ...releaseHead(row), metadata: JSON.parse(row.metadata), files: [] };
}

function fileHead(row: Row): Omit<HostedFile, "metadata"> {
  return {
    file: row.file,
    kind: row.kind,
    version: row.version,
    sha256: row.sha256,
    size: Number(row.size),
    publishedAt: Number(row.published_at),
    publishedBy: row.published_by,
  };
}

function fileOf(row: Row): HostedFile {
  return { ...fileHead(row), metadata: JSON.parse(row.metadata) };
}

/** All files of a repository that are shown. */
export async function readAllFiles(sql: Query, repository: string): Promise<PackageFile[]> {
  const rows =
    await sql`SELECT package, file, kind, version, sha256, size, published_at, published_by, metadata FROM hosted_files
    WHERE repository = ${repository} AND removed_at IS NULL`;
  return rows.map((row: Row) => ({ ...fileOf(row), package: row.package }));
}

function fileRowOf(row: Row): FileRow {
  return {
    ...fileOf(row),
    purl: row.purl,
    path: row.path,
    account: row.account,
    removedAt: row.removed_at === null ? null : Number(row.removed_at),
    removedBy: row.removed_by,
  };
}

/** Also of one in the trash. */
export async function readFileRow(
  sql: Query,
  repository: string,
  name: string,
  file: string,
): Promise<FileRow | null> {
  const [row] = await sql`SELECT * FROM hosted_files
    WHERE repository = ${repository} AND package = ${name} AND file = ${file}`;
  return row ? fileRowOf(row) : null;
}

/** Files of a package, of one version, or one alone; those that are shown, or those in the trash. */
export async function readFileRows(
  sql: Query,
  repository: string,
  name: string,
  { version, file }: { version?: string; file?: string },
  isRemoved: boolean,
): Promise<FileRow[]> {
  const [ofVersion, ofFile] = [version ?? null, file ?? null];
  const rows = isRemoved
    ? await sql`SELECT * FROM hosted_files WHERE repository = ${repository} AND package = ${name} AND removed_at IS NOT NULL
        AND (CAST(${ofVersion} AS TEXT) IS NULL OR version = ${ofVersion}) AND (CAST(${ofFile} AS TEXT) IS NULL OR file = ${ofFile})
        ORDER BY place, file`
    : await sql`SELECT * FROM hosted_files WHERE repository = ${repository} AND package = ${name} AND removed_at IS NULL
        AND (CAST(${ofVersion} AS TEXT) IS NULL OR version = ${ofVersion}) AND (CAST(${ofFile} AS TEXT) IS NULL OR file = ${ofFile})
        ORDER BY place, file`;
  return rows.map(fileRowOf);
}

/** Which bytes are shown of a published file; null when it is none, or lies in the trash. */
export async function readPublished(
  sql: Query,
  { repository, package: name, file }: FileKey,
): Promise<{ sha256: string; size: number } | null> {
  const [row] = await sql`SELECT sha256, size FROM hosted_files
    WHERE repository = ${repository} AND package = ${name} AND file = ${file} AND removed_at IS NULL`;
  return row ? { sha256: row.sha256, size: Number(row.size) } : null;
}

export async function insertPackage(
  sql: Query,
  repository: string,
  row: PackageRow,
): Promise<void> {
  await sql`INSERT INTO hosted_packages (repository, package, revision, created_at, created_by, changed_at, state)
    VALUES (${repository}, ${row.name}, ${row.revision}, ${row.createdAt}, ${row.createdBy}, ${row.changedAt},
    ${JSON.stringify(row.state)})`;
}

/** When a package changes after it last did. Each time is another second: clients that go by Last-Modified know no smaller differences. */
export function changedAfter({ changedAt }: Pick<PackageRow, "changedAt">, now: number): number {
  return Math.max(now, (Math.floor(changedAt / 1000) + 1) * 1000);
}

export async function updatePackage(
  sql: Query,
  repository: string,
  row: PackageRow,
): Promise<void> {
  await sql`UPDATE hosted_packages SET revision = ${row.revision}, changed_at = ${row.changedAt}, state = ${JSON.stringify(row.state)}
    WHERE repository = ${repository} AND package = ${row.name}`;
}

export interface NewRelease {
  version: string;
  place: number;
  publishedAt: number;
  publishedBy: string;
  account: string;
  metadata: unknown;
}

/** What releases take of quotas. */
export interface ReleaseSize {
  version: string;
  account: string;
  bytes: number;
  isRemoved: boolean;
}

/** Of one version, or of all; also of those in the trash. */
export async function readReleaseSizes(
  sql: Query,
  repository: string,
  name: string,
  version: string | null,
): Promise<ReleaseSize[]> {
  const rows =
    await sql`SELECT version, account, octet_length(metadata) AS bytes, removed_at FROM hosted_releases
    WHERE repository = ${repository} AND package = ${name} AND (CAST(${version} AS TEXT) IS NULL OR version = ${version})`;
  return rows.map((row: Row) => ({
    version: row.version,
    account: row.account,
    bytes: Number(row.bytes),
    isRemoved: row.removed_at !== null,
  }));
}

/** One that is here stays as it is; one that was removed comes back as this one. */
export async function putRelease(
  sql: Query,
  repository: string,
  name: string,
  release: NewRelease,
): Promise<void> {
  const { version, place, publishedAt, publishedBy, account } = release;
  const metadata = JSON.stringify(release.metadata ?? null);
  await sql`INSERT INTO hosted_releases (repository, package, version, place, published_at, published_by, account, metadata, yanked, removed_at)
    VALUES (${repository}, ${name}, ${version}, ${place}, ${publishedAt}, ${publishedBy}, ${account}, ${metadata}, NULL, NULL)
    ON CONFLICT (repository, package, version) DO UPDATE SET place = excluded.place, published_at = excluded.published_at,
    published_by = excluded.published_by, account = excluded.account, metadata = excluded.metadata, yanked = NULL, removed_at = NULL
    WHERE hosted_releases.removed_at IS NOT NULL`;
}

/** In place of whatever was there under its name. */
export async function putFile(
  sql: Query,
  repository: string,
  name: string,
  place: number,
  row: FileRow,
): Promise<void> {
  await sql`INSERT INTO hosted_files (repository, package, file, kind, version, place, purl, path, sha256, size, published_at,
    published_by, account, metadata, removed_at, removed_by)
    VALUES (${repository}, ${name}, ${row.file}, ${row.kind}, ${row.version}, ${place}, ${row.purl}, ${row.path}, ${row.sha256},
    ${row.size}, ${row.publishedAt}, ${row.publishedBy}, ${row.account}, ${JSON.stringify(row.metadata ?? null)}, ${row.removedAt}, ${row.removedBy})
    ON CONFLICT (repository, package, file) DO UPDATE SET kind = excluded.kind, version = excluded.version, place = excluded.place,
    purl = excluded.purl, path = excluded.path, sha256 = excluded.sha256, size = excluded.size, published_at = excluded.published_at,
    published_by = excluded.published_by, account = excluded.account, metadata = excluded.metadata, removed_at = excluded.removed_at,
    removed_by = excluded.removed_by`;
}

/** Into the catalog, where reading, verification and garbage collection look. */
export async function showFile(
  sql: Query,
  repository: string,
  name: string,
  row: FileRow,
): Promise<void> {
  await sql`DELETE FROM artifacts WHERE repository = ${repository} AND package = ${name} AND file = ${row.file}`;
  await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
    VALUES (${repository}, ${name}, ${row.file}, ${row.version}, ${row.purl}, ${row.sha256}, ${row.size}, ${row.publishedAt},
    ${HERE}, ${row.path})`;
}

/** Where a published file came from, in the words of the catalog. */
export const HERE = "published here";

export async function hideFile(
  sql: Query,
  repository: string,
  name: string,
  file: string,
): Promise<void> {
  await sql`DELETE FROM artifacts WHERE repository = ${repository} AND package = ${name} AND file = ${file}`;
}

/** Whether anything is stored that an upstream said of the package, or gave. */
export async function wasSeenUpstream(
  sql: Query,
  repository: string,
  name: string,
): Promise<boolean> {
  const [row] =
    await sql`SELECT 1 AS seen FROM documents WHERE repository = ${repository} AND package = ${name}
    UNION ALL SELECT 1 FROM facts WHERE repository = ${repository} AND package = ${name}
    UNION ALL SELECT 1 FROM pins WHERE repository = ${repository} AND package = ${name}
    UNION ALL SELECT 1 FROM artifacts WHERE repository = ${repository} AND package = ${name} LIMIT 1`;
  return row !== undefined;
}

/** Files of the package that are in the catalog, and were fetched. */
export async function fetchedFiles(
  sql: Query,
  repository: string,
  name: string,
): Promise<string[]> {
  const rows =
    await sql`SELECT file FROM artifacts WHERE repository = ${repository} AND package = ${name}`;
  return rows.map(({ file }: Row) => file);
}
