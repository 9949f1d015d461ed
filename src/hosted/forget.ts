// What the server itself made of a package and needs no more: taken off at once. Its pins stay, as all do.
import { goneFile } from "../store/changes.ts";
import type { Query } from "../store/database.ts";
import type { HostedDeps } from "./deps.ts";
import { hideFile } from "./rows.ts";
import { countUsage } from "./usage.ts";

export interface Forgotten {
  versions: readonly string[];
  files: readonly string[];
}

/** See `OwnHosting.forget`. */
export async function forget(
  deps: HostedDeps,
  repository: string,
  name: string,
  { versions, files }: Forgotten,
): Promise<void> {
  const gone = await deps.database.write(async (sql) => {
    const bytes: string[] = [];
    for (const file of files) bytes.push(...(await forgetFile(sql, repository, name, file)));
    for (const version of versions)
      await sql`DELETE FROM hosted_releases WHERE repository = ${repository} AND package = ${name} AND version = ${version}`;
    for (const file of files) await deps.changes.note(sql, goneFile(repository, name, file));
    return bytes;
  });
  for (const file of files) deps.changes.announce(goneFile(repository, name, file));
  for (const sha256 of gone) await deps.naming.remove(sha256);
}

async function forgetFile(
  sql: Query,
  repository: string,
  name: string,
  file: string,
): Promise<string[]> {
  const rows =
    await sql`DELETE FROM hosted_files WHERE repository = ${repository} AND package = ${name} AND file = ${file}
    RETURNING sha256, size, account`;
  for (const { account, size } of rows)
    await countUsage(sql, repository, account, -1, -Number(size));
  await hideFile(sql, repository, name, file);
  return rows.map(({ sha256 }: { sha256: string }) => sha256);
}
