// Bytes that were let take the place of others under the same name. See held.ts.
import type { AptRepository } from "./memory.ts";
import type { Accepted } from "./pool-artifact.ts";

/** Where `holdfast apt accept` and admission keep it: JSON, path → digest. */
export const ACCEPTED = "accepted";

export interface ReplacementMemory {
  accepted: Promise<Accepted> | null;
  /** Grows whenever something may have been accepted. */
  turn: number;
}

export function createReplacementMemory(): ReplacementMemory {
  return { accepted: null, turn: 0 };
}

/** What was accepted until now. Read again after `forgetAccepted`. */
export function acceptedFiles(repository: AptRepository): Promise<Accepted> {
  const memory = repository.memory.replacements;
  if (!memory.accepted) {
    const read = repository
      .kept(ACCEPTED)
      .then((kept) =>
        kept?.bytes.length
          ? new Map<string, string>(Object.entries(JSON.parse(Buffer.from(kept.bytes).toString())))
          : new Map<string, string>(),
      );
    memory.accepted = read;
    read.catch(() => {
      memory.accepted = null;
    });
  }
  return memory.accepted;
}

export function forgetAccepted(repository: AptRepository): void {
  const memory = repository.memory.replacements;
  memory.accepted = null;
  memory.turn++;
}

/** Another number whenever something may have been accepted since. */
export function acceptedTurn(repository: AptRepository): number {
  return repository.memory.replacements.turn;
}
