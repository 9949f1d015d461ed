// Stored files of which no rule blocks anything, so that sending one again asks the database nothing.
import type { Artifact } from "../core/artifact.ts";
import type { KnownFact } from "../ledger/facts.ts";
import type { Policy } from "../policy/policy.ts";
import { createLru } from "./lru.ts";

export interface Cleared {
  /** Whether `decide` would find what it found before. `names`: of the packages whose rules are asked. */
  has(artifact: Artifact, names: readonly string[]): boolean;
  /** Throws what `work` throws; what it lets pass is remembered until a rule, a waiver, an advisory or the clock may say something else. */
  decide(
    artifact: Artifact,
    names: readonly string[],
    work: () => Promise<KnownFact | null>,
  ): Promise<void>;
}

/** A build asks for some thousand. */
const FILES = 10_000;

/** `learned`: another number when something else is known of releases. */
export function createCleared(
  policy: Pick<Policy, "revision" | "nextEnd" | "readsTraits">,
  learned: () => number,
  now: () => number,
): Cleared {
  const files = createLru<{ stamp: number; until: number | null }>(FILES);
  const keyOf = ({ package: name, file }: Artifact) => `${name}\0${file}`;
  const stampOf = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + policy.revision(name), learned());

  return {
    has(artifact, names) {
      const found = files.get(keyOf(artifact));
      if (found?.stamp !== stampOf(names)) return false;
      return found.until === null || now() < found.until;
    },
    async decide(artifact, names, work) {
      const at = now();
      const stamp = stampOf(names);
      const fact = await work();
      // A document that is still to come may tell of its licence.
      if (!fact?.traits && names.some(policy.readsTraits)) return;
      const ends = names.flatMap((name) => policy.nextEnd(name, at) ?? []);
      files.set(keyOf(artifact), { stamp, until: ends.length > 0 ? Math.min(...ends) : null }, 1);
    },
  };
}
