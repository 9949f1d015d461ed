// Promotion: a release of one repository is published in another one, with the very same bytes.
import { Problem } from "../core/problem.ts";
import type { Query } from "../store/database.ts";
import type { Bytes } from "./publish.ts";
import { type PackageRow, readFileRows, readPackageRow } from "./rows.ts";

/** A release as it stands in its repository. */
export interface Standing {
  repository: string;
  format: string;
  package: PackageRow;
  version: string;
  metadata: unknown;
  files: Bytes[];
}

/** Throws Problem("notFound") when there is no such release. */
export async function readStanding(
  sql: Query,
  { repository, format }: { repository: string; format: string },
  name: string,
  version: string,
): Promise<Standing> {
  const row = await readPackageRow(sql, repository, name);
  const [release] =
    await sql`SELECT metadata FROM hosted_releases WHERE repository = ${repository} AND package = ${name}
    AND version = ${version} AND removed_at IS NULL`;
  if (!row || !release)
    throw new Problem("notFound", `${name}@${version} is not published in ${repository}`);
  const files = await readFileRows(sql, repository, name, { version }, false);
  return {
    repository,
    format,
    package: row,
    version,
    metadata: JSON.parse(release.metadata),
    files: files.map(({ file, kind, purl, path, sha256, size, metadata }) => ({
      file,
      kind,
      purl,
      path,
      sha256,
      size,
      metadata,
      incoming: null,
    })),
  };
}

/** Throws Problem("badRequest") where bytes of one repository make no sense in the other one. */
export function refuseOtherFormat(
  from: Standing,
  to: { repository: string; format: string },
): void {
  if (from.repository === to.repository)
    throw new Problem("badRequest", `${from.repository} is the repository that it comes from`);
  if (from.format === to.format) return;
  throw new Problem(
    "badRequest",
    `${from.repository} speaks ${from.format} and ${to.repository} speaks ${to.format}: what is published in one is nothing to clients of the other`,
  );
}
