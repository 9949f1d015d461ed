// Receipts for a release, of all repositories that have it: what `holdfast ledger prove` and the API give.
import { Problem } from "../core/problem.ts";
import { filesOf, type PinProof, type ProvingLog, provePin } from "../ledger/log/prove.ts";
import { nameIn, type RuledRepository } from "../policy/rules.ts";
import type { Query } from "../store/database.ts";
import { readPurl } from "./policy.ts";

export interface ProofsAsked {
  /** With a version, and `#file` where one of several files is meant. */
  purl: string;
  /** Only of this one. */
  repository?: string | undefined;
}

/**
 * By repository and file. Throws Problem("badRequest") for what is no purl of a release, Problem("notFound") where no file of it was ever
 * pinned here.
 */
export async function proofsOf(
  log: ProvingLog,
  sql: Query,
  repositories: readonly RuledRepository[],
  { purl, repository }: ProofsAsked,
): Promise<PinProof[]> {
  const hash = purl.indexOf("#");
  const [named, only] = hash < 0 ? [purl, null] : [purl.slice(0, hash), purl.slice(hash + 1)];
  const asked = readPurl(named);
  if (!asked?.version)
    throw new Problem("badRequest", `${purl} is no purl of a release, like pkg:npm/left-pad@1.3.0`);
  const proofs: PinProof[] = [];
  for (const one of repositories) {
    if (one.purlType !== asked.purlType || (repository && one.name !== repository)) continue;
    const name = nameIn(one, asked.package);
    for (const file of await filesOf(sql, one.name, name, asked.version)) {
      if (only !== null && file !== only) continue;
      const proof = await provePin(log, sql, { repository: one.name, package: name, file });
      if (proof) proofs.push(proof);
    }
  }
  if (proofs.length === 0)
    throw new Problem(
      "notFound",
      `No file of ${purl} is pinned here: nothing of it was ever served, or the version is spelled otherwise`,
    );
  return proofs;
}
