// Bytes that took the place of others under the same path: of another version, or let in by somebody. See held.ts.
import type { AptRepository } from "./memory.ts";
import type { Replacements } from "./pool-artifact.ts";

/** Where they are kept: JSON, path → digest. */
const REPLACEMENTS = "accepted";

/** All of them until now. Read again after `forgetReplacements`. */
export function replacementsOf(repository: AptRepository): Promise<Replacements> {
  const memory = repository.memory.replacements;
  if (!memory.known) {
    const read = repository.kept(REPLACEMENTS).then((kept) => readAll(kept?.bytes));
    memory.known = read;
    read.catch(() => {
      memory.known = null;
    });
  }
  return memory.known;
}

function readAll(bytes: Uint8Array = new Uint8Array(0)): Map<string, string> {
  return new Map(bytes.length > 0 ? Object.entries(JSON.parse(Buffer.from(bytes).toString())) : []);
}

export async function addReplacements(
  repository: AptRepository,
  added: ReadonlyMap<string, string>,
): Promise<void> {
  for (let isAdded = false; !isAdded; ) {
    const kept = await repository.kept(REPLACEMENTS);
    const all = new Map([...readAll(kept?.bytes), ...added]);
    const bytes = Buffer.from(JSON.stringify(Object.fromEntries(all)));
    // Another process may have added its own meanwhile.
    isAdded = await repository.swap(REPLACEMENTS, bytes, kept?.bytes ?? null);
  }
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
