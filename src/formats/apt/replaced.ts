// Bytes that took the place of others under the same path: of another version, or let in by somebody. See held.ts.
import type { AptRepository } from "./memory.ts";
import type { Replacements } from "./pool-artifact.ts";

/** Where they are kept: JSON, path → digest. */
const REPLACEMENTS = "accepted";

/** All of them until now. Read again after `forgetReplacements`. */
export function replacementsOf(repository: AptRepository): Promise<Replacements> {
  const memory = repository.memory.replacements;
  if (!memory.known) {
    const read = repository
      .kept(REPLACEMENTS)
      .then((kept) =>
        kept?.bytes.length
          ? new Map<string, string>(Object.entries(JSON.parse(Buffer.from(kept.bytes).toString())))
          : new Map<string, string>(),
      );
    memory.known = read;
    read.catch(() => {
      memory.known = null;
    });
  }
  return memory.known;
}

export async function addReplacements(
  repository: AptRepository,
  added: ReadonlyMap<string, string>,
): Promise<void> {
  forgetReplacements(repository);
  const all = new Map([...(await replacementsOf(repository)), ...added]);
  await repository.keep(REPLACEMENTS, Buffer.from(JSON.stringify(Object.fromEntries(all))));
  forgetReplacements(repository);
}

export function forgetReplacements(repository: AptRepository): void {
  const memory = repository.memory.replacements;
  memory.known = null;
  memory.turn++;
}

/** Another number whenever there may be others since. */
export function replacementTurn(repository: AptRepository): number {
  return repository.memory.replacements.turn;
}
