// What the bytes of fetched files tell, for the views of the documents that name them.
import type { Artifact } from "../../core/artifact.ts";
import type { Integrity } from "../../core/integrity.ts";
import { readFact } from "../../ledger/fact-rows.ts";
import type { Database } from "../../store/database.ts";
import type { InService } from "./in-service.ts";

export interface LearnDeps {
  repository: string;
  database: Database;
  inService: InService;
  now(): number;
}

/** Views of the documents that name the artifact are told digests of its bytes. */
export function createLearn({ repository, database, inService, now }: LearnDeps) {
  return async function learn(artifact: Artifact, digests: Integrity): Promise<void> {
    const { file, version, namedAs = file } = artifact;
    for (const ref of artifact.namedBy) {
      if (!(await readFact(database.read, { repository, package: ref.package, file: namedAs })))
        continue;
      await inService.change(ref, (before) => {
        if (!before) return null;
        const known = Object.hasOwn(before.overlay, namedAs) ? before.overlay[namedAs] : null;
        if (known?.integrity) return null;
        const since = new Date(now()).toISOString();
        const fetched = { state: "fetched", version, since, entry: null } as const;
        const entry = { ...(known ?? fetched), integrity: digests };
        return { ...before, overlay: { ...before.overlay, [namedAs]: entry } };
      });
    }
  };
}
