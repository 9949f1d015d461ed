// A package's releases, as far as the rules compare one with those before it: from what documents told, and from what was verified.
import { releaseOf } from "../core/policy.ts";
import { readTraits, type Traits } from "../core/traits.ts";
import { everyFact } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import { type KnownProvenance, readProvenance } from "../ledger/provenance.ts";
import type { Compared, Past } from "../policy/compare.ts";
import type { Policy } from "../policy/policy.ts";
import type { Query } from "../store/database.ts";

/** What of a package's young releases is otherwise than before. Nothing where no rule asks. */
export async function compareOf(
  sql: Query,
  repository: string,
  packageName: string,
  policy: Pick<Policy, "compares" | "compare">,
  now: number,
): Promise<Compared> {
  if (!policy.compares(packageName)) return NOTHING;
  return policy.compare(packageName, await readPast(sql, repository, packageName), now);
}

/** All releases of a package that documents told traits of, in no order. */
export async function readPast(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<Past[]> {
  const facts: KnownFact[] = [];
  for await (const page of everyFact(sql, repository, packageName)) facts.push(...page);
  return pastOf(packageName, facts, await readProvenance(sql, repository, packageName));
}

const NOTHING: Compared = { suspicions: new Map(), wanted: [] };

/** By version. Files of which no document tells traits stand beside others: metadata, signatures. */
function pastOf(
  packageName: string,
  facts: readonly KnownFact[],
  provenance: readonly KnownProvenance[],
): Past[] {
  const found = Map.groupBy(provenance, ({ version }) => version);
  const told = facts.filter(({ traits }) => traits !== null);
  return [...Map.groupBy(told, ({ version }) => version)].map(([version, files]) => {
    const times = files.flatMap((file) => releaseOf(packageName, file).publishedAt ?? []);
    return {
      version,
      publishedAt: times.length > 0 ? Math.max(...times) : null,
      traits: together(files.map(({ traits }) => readTraits(traits)!)),
      provenance: found.get(version) ?? [],
    };
  });
}

/** Of several files of a release: one that is attested does not speak for one that is not. */
function together(all: readonly Traits[]): Traits {
  const [first = {}] = all;
  return {
    ...(first.licence !== undefined && { licence: first.licence }),
    ...(all.some(({ scripts }) => scripts) && { scripts: true }),
    ...(all.every(({ attested }) => attested) && { attested: true }),
  };
}
