// Bytes that were let take the place of others under the same name. See changed.ts.

import { byRepository } from "./by-repository.ts";
import type { AptRepository } from "./generations.ts";
import type { Accepted } from "./pool-artifact.ts";

/** Where `holdfast apt accept` and admission keep it: JSON, path → digest. */
export const ACCEPTED = "accepted";

interface Memory {
  accepted: Promise<Accepted> | null;
  /** Grows whenever something may have been accepted. */
  turn: number;
}

const memoryOf = byRepository((_: AptRepository): Memory => ({ accepted: null, turn: 0 }));

/** What was accepted until now. Read again after `forgetAccepted`. */
export function acceptedFiles(repository: AptRepository): Promise<Accepted> {
  const memory = memoryOf(repository);
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
  const memory = memoryOf(repository);
  memory.accepted = null;
  memory.turn++;
}

/** Another number whenever something may have been accepted since. */
export function acceptedTurn(repository: AptRepository): number {
  return memoryOf(repository).turn;
}
