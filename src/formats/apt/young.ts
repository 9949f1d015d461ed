// Releases that a rule holds while they are young: clients keep the one before, with all that it names.
import { withholdingOf } from "../../core/policy.ts";
import type { Generation } from "./documents.ts";
import { type Current, earlierInRelease, earlierReleases, earlierText } from "./generations.ts";
import type { AptRepository } from "./memory.ts";

/** What clients get in place of the release in service. */
export interface Earlier {
  generation: Generation;
  text: string;
  /** Null when it came in none. */
  inRelease: string | null;
}

/**
 * The newest release that no rule holds, when one holds the release in service; else null. Null as well where there is none that clients would take: nothing
 * was here before, or it is past its Valid-Until.
 */
export async function heldBack(
  repository: AptRepository,
  suite: string,
  { kind, generation }: Pick<Current, "kind" | "generation">,
): Promise<Earlier | null> {
  if (repository.suites) return null;
  const withheld = await repository.withheld(suite, generation.id);
  if (!withholdingOf(withheld, generation.id)) return null;
  for (const before of await earlierReleases(repository, suite)) {
    if (withholdingOf(withheld, before.id)) continue;
    const { validUntil } = before.release;
    if (validUntil !== null && validUntil <= repository.now()) return null; // as are those before it
    const inRelease =
      kind === "inrelease" ? await earlierInRelease(repository, suite, before.id) : null;
    if (kind === "inrelease" && inRelease === null) continue;
    const text = await earlierText(repository, suite, before.id);
    if (text !== null) return { generation: before, text, inRelease };
  }
  return null;
}
