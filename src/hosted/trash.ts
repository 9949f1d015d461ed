// What was removed and is kept for a while: listed, and taken off the disk when its time is over.
import type { Principal } from "../core/principal.ts";
import type { Query } from "../store/database.ts";
import type { HostedDeps } from "./deps.ts";
import { countUsage } from "./usage.ts";

/** A removed file that can be restored. */
export interface Trashed {
  repository: string;
  package: string;
  version: string;
  file: string;
  size: number;
  sha256: string;
  /** Milliseconds since the epoch. */
  removedAt: number;
  removedBy: string;
  /** Until then it can be restored. */
  endsAt: number;
}

export interface Emptied {
  files: number;
  bytes: number;
}

/** Taken off in one transaction each. */
const BATCH = 500;

/** Oldest first. `keptMs`: how long each is kept. */
export async function listTrash(
  sql: Query,
  repository: string,
  keptMs: number,
): Promise<Trashed[]> {
  const rows =
    await sql`SELECT repository, package, version, file, size, sha256, removed_at, removed_by FROM hosted_files
    WHERE repository = ${repository} AND removed_at IS NOT NULL ORDER BY removed_at, package, file`;
  return rows.map((row: Record<string, string>) => ({
    repository: row["repository"]!,
    package: row["package"]!,
    version: row["version"]!,
    file: row["file"]!,
    size: Number(row["size"]),
    sha256: row["sha256"]!,
    removedAt: Number(row["removed_at"]),
    removedBy: row["removed_by"]!,
    endsAt: Number(row["removed_at"]) + keptMs,
  }));
}

/**
 * Takes off what was removed at `until` or before. Pins stay: what was published can never be published with other bytes. Returns what
 * the disk got back. Throws Problem("conflict") where another catalog may still name it.
 */
export async function emptyTrash(
  deps: HostedDeps,
  repository: string,
  until: number,
  principal: Principal,
): Promise<Emptied> {
  const emptied = { files: 0, bytes: 0 };
  await deps.naming.mayRemove();
  for (;;) {
    const rows = await deps.database.write((sql) =>
      forget(deps, sql, repository, until, principal),
    );
    for (const { sha256, size } of rows) {
      emptied.files += 1;
      if (await deps.naming.remove(sha256)) emptied.bytes += Number(size);
    }
    if (rows.length < BATCH) return emptied;
  }
}

async function forget(
  { audit }: HostedDeps,
  sql: Query,
  repository: string,
  until: number,
  principal: Principal,
): Promise<{ sha256: string; size: unknown }[]> {
  const rows =
    await sql`SELECT package, version, file, purl, sha256, size, octet_length(metadata) AS beside, account FROM hosted_files
    WHERE repository = ${repository} AND removed_at IS NOT NULL AND removed_at <= ${until}
    ORDER BY removed_at LIMIT ${BATCH}`;
  for (const { package: name, version, file, purl, sha256, size, beside, account } of rows) {
    await sql`DELETE FROM hosted_files WHERE repository = ${repository} AND package = ${name} AND file = ${file}`;
    const releases =
      await sql`DELETE FROM hosted_releases WHERE repository = ${repository} AND package = ${name} AND version = ${version}
      AND removed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hosted_files f
        WHERE f.repository = ${repository} AND f.package = ${name} AND f.version = ${version})
      RETURNING account, octet_length(metadata) AS bytes`;
    for (const release of releases)
      await countUsage(sql, repository, release.account, 0, -Number(release.bytes));
    await countUsage(sql, repository, account, -1, -Number(size) - Number(beside));
    const detail = { how: "taken off the disk", file };
    await audit(sql, {
      action: "unpublish",
      principal,
      repository,
      package: name,
      purl,
      digest: sha256,
      detail,
    });
  }
  return rows;
}
