// Bytes that were let take the place of others under the same name. See changed.ts.
import { memo } from "../../core/memo.ts";
import type { AptRepository } from "./generations.ts";
import type { Accepted } from "./pool-artifact.ts";

/** Where `holdfast apt accept` and admission keep it: JSON, path → digest. */
export const ACCEPTED = "accepted";

const memoryOf = memo((_: AptRepository): { accepted: Promise<Accepted> | null } => ({
  accepted: null,
}));

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
  memoryOf(repository).accepted = null;
}
