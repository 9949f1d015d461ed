// The stored documents of one package brought up to date before anybody asks for them.
import { Problem } from "../core/problem.ts";
import type { Database } from "../store/database.ts";
import type { Documents } from "./documents/get.ts";
import { refsOf } from "./documents/rows.ts";

export interface RenewDeps {
  repository: string;
  documents: Pick<Documents, "get">;
  database: Pick<Database, "read">;
  now(): number;
}

/** See `Mounted.renew`. */
export function createRenew({ repository, documents, database, now }: RenewDeps) {
  return async (packageName: string): Promise<number> => {
    const stored = await refsOf(database.read, repository, packageName);
    let refused: Problem | null = null;
    for (const ref of stored) {
      const found = await documents.get(ref, now()).catch(orNothing);
      const detail = found?.cache.detail;
      if (detail === undefined) continue;
      const problem = new Problem(
        detail === "slow" ? "unreachable" : detail,
        `What is stored of ${packageName} cannot be brought up to date: ${detail}`,
      );
      if (detail !== "refused") throw problem;
      refused = problem; // of this one: the others may be had
    }
    if (refused) throw refused;
    return stored.length;
  };
}

/** What the upstream does not have is nothing to be kept up to date. */
function orNothing(error: unknown): null {
  if (error instanceof Problem && error.kind === "notFound") return null;
  throw error;
}
