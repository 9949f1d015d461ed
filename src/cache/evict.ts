// Takes fetched files out of the catalog, and then from disk, to make room. Pins and facts stay: what is fetched again must be the same.
import { Problem } from "../core/problem.ts";
import type { Blobs } from "../store/blobs.ts";
import { type Changes, goneFile } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { removeUnused, type UsedFile } from "./artifact-rows.ts";
import { type Naming, namesOf } from "./named.ts";

export interface EvictDeps {
  database: Database;
  blobs: Blobs;
  changes: Pick<Changes, "note" | "announce">;
  naming: Naming;
}

/**
 * Out of the catalog, but those that were used since they were looked at. Their bytes are for who calls to remove by their digests
 * (`Naming.remove`), some seconds later: who was answered just before still opens them. Returns what went.
 */
export async function takeOut(
  deps: EvictDeps,
  repository: string,
  files: readonly UsedFile[],
): Promise<UsedFile[]> {
  const take = () =>
    deps.database.write(async (sql) => {
      const gone = await removeUnused(sql, repository, files);
      for (const { package: name, file } of gone)
        await deps.changes.note(sql, goneFile(repository, name, file));
      return gone;
    });
  const gone = await take().catch(async (error) => {
    if (!(error instanceof Problem) || error.kind !== "full") throw error;
    // Not even a removal can be written down any more. Bytes without their rows would be garbage, rows without their bytes are fetched again.
    await deps.naming.mayRemove();
    for (const { sha256 } of files) await removeBytes(deps, sha256);
    return take();
  });
  for (const { package: name, file } of gone)
    deps.changes.announce(goneFile(repository, name, file));
  return gone;
}

/** Of what one row names that can go. */
async function removeBytes({ database, blobs, naming }: EvictDeps, sha256: string): Promise<void> {
  await naming.alone(sha256, async (isStill) => {
    const [name, ...others] = await namesOf(database.read, sha256);
    const isAlone = name?.file && !name.isHosted && others.length === 0;
    if (isAlone && isStill()) await blobs.remove(sha256);
  });
}
