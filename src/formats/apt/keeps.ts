// Which fetched files stay when room is made: what a mirror is to have, the indices that clients are shown, and what the upstream may not have any more.
import type { StoredName } from "../../core/artifact.ts";
import { findFile } from "./files.ts";
import type { AptRepository } from "./memory.ts";
import { isIndex, releasesOf } from "./mirror/named.ts";
import { fileLookups, namesOf, useLookup } from "./open-lookups.ts";

/** Throws a Problem where a release or an index cannot be read. */
export async function keeps(repository: AptRepository, file: StoredName): Promise<boolean> {
  if (repository.options.mirror) return true; // `mirror clean` removes what it need not have
  if (isIndex(file)) return isRemembered(repository, file);
  return !(await isInService(repository, file));
}

/** Without its indices a release that is shown would be a promise that nobody keeps: upstreams remove old ones. */
async function isRemembered(
  repository: AptRepository,
  { package: suite, file: hash }: StoredName,
): Promise<boolean> {
  for (const { files } of await releasesOf(repository, suite))
    for (const named of files.values()) if (named.hash === hash) return true;
  return false;
}

/** Upstreams remove packages that their newest release does not name. */
async function isInService(
  repository: AptRepository,
  { file: path, sha256 }: StoredName,
): Promise<boolean> {
  for await (const lookup of fileLookups(repository, "current"))
    for (const named of namesOf(lookup.suite, path)) {
      const entry = await useLookup(repository, lookup, (file) => findFile(file, named));
      if (entry?.sha256 === sha256) return true;
    }
  return false;
}
