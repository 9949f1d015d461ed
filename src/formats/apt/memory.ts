// What is remembered of one repository while the server runs, whoever asks: made when the format is mounted, and gone with the service.
import type { Artifact } from "../../core/artifact.ts";
import type { OperationCall } from "../../core/operation.ts";
import type { Repository, UnboundRepository } from "../../core/repository.ts";
import { createReleaseMemory, type ReleaseMemory } from "./generations.ts";
import type { Index } from "./indices.ts";
import { createLookupMemory, type LookupMemory } from "./open-lookups.ts";
import type { AptOptions } from "./options.ts";
import { createReplacementMemory, type ReplacementMemory } from "./replaced.ts";
import type { AptRoute } from "./routes.ts";
import { createSessions, type Sessions } from "./sessions.ts";

export interface AptMemory {
  /** Which generation each client is in the middle of. */
  readonly sessions: Sessions;
  /** Owned by generations.ts. */
  readonly releases: ReleaseMemory;
  /** Owned by replaced.ts. */
  readonly replacements: ReplacementMemory;
  /** Owned by open-lookups.ts. */
  readonly lookups: LookupMemory;
  /** What a by-hash path was found to be. */
  readonly byHash: WeakMap<Extract<AptRoute, { kind: "hash" }>, Index>;
  /** What a path of the pool was found to be. */
  readonly pool: WeakMap<Extract<AptRoute, { path: string }>, Artifact>;
  /** Indices that the upstream names and does not have, and that are made here from what it has. */
  readonly madeHere: WeakSet<Artifact>;
  /** Ids of releases of whose end was told. */
  readonly expired: Set<string>;
}

/** The repository as one caller may use it, with what the service remembers. */
export interface AptRepository extends Repository<AptOptions> {
  readonly memory: AptMemory;
}

/** What an operation does for the repository. True when all went well. */
export type AptRun = (repository: AptRepository, call: OperationCall) => Promise<boolean>;

export function createMemory({ now }: Pick<UnboundRepository, "now">): AptMemory {
  return {
    sessions: createSessions(now),
    releases: createReleaseMemory(),
    replacements: createReplacementMemory(),
    lookups: createLookupMemory(),
    byHash: new WeakMap(),
    pool: new WeakMap(),
    madeHere: new WeakSet(),
    expired: new Set(),
  };
}
