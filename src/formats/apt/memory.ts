// What is remembered of one repository while the server runs, whoever asks: made when the format is mounted, and gone with the service.
import type { Artifact } from "../../core/artifact.ts";
import type { OperationCall } from "../../core/operation.ts";
import type { Repository, UnboundRepository } from "../../core/repository.ts";
import type { Derived } from "../../core/task.ts";
import type { Generation, ReleaseKind } from "./documents.ts";
import type { Suites } from "./hosted/suites.ts";
import type { Index } from "./index-artifact.ts";
import type { AptOptions } from "./options.ts";
import type { Replacements } from "./pool-artifact.ts";
import type { AptRoute } from "./routes.ts";
import { createSessions, type Sessions } from "./sessions.ts";

/** Owned by generations.ts. */
export interface ReleaseMemory {
  /** Suite folders with a stored one. */
  stored: Promise<Record<ReleaseKind, Set<string>>> | null;
  kept: Map<string, Promise<Generation[]>>;
  /** Suites whose InRelease the upstream no longer has. */
  dropped: Map<string, Promise<boolean>>;
  /** Suites that clients asked for, and whose release could not be had. */
  wanting: Set<string>;
  /** The id of what was last seen in service, by document. */
  seen: Map<string, string>;
  /** Grows with each change of it. */
  epoch: number;
}

/** Owned by replaced.ts. */
export interface ReplacementMemory {
  known: Promise<Replacements> | null;
  /** Grows whenever there may be others. */
  turn: number;
}

/** An open lookup file. */
export interface LookupHandle {
  derived: Promise<Derived>;
  users: number;
  usedAt: number;
}

/** Owned by open-lookups.ts. */
export interface LookupMemory {
  /** By suite, the hashes of the stored indices that name files, as their releases say them. */
  stored: Map<string, Promise<ReadonlySet<string>>>;
  /** Open lookup files, by index. The longest unused are closed first. */
  handles: Map<string, LookupHandle>;
  /** Nothing is kept open any more. */
  isClosed: boolean;
}

export interface AptMemory {
  /** Which generation each client is in the middle of. */
  readonly sessions: Sessions;
  readonly releases: ReleaseMemory;
  readonly replacements: ReplacementMemory;
  readonly lookups: LookupMemory;
  /** What a by-hash path was found to be. */
  readonly byHash: WeakMap<Extract<AptRoute, { kind: "hash" }>, Index>;
  /** What a path of the pool was found to be. */
  readonly pool: WeakMap<Extract<AptRoute, { path: string }>, Artifact>;
  /** Of images.ts: what lists of images name, by suite, path and hash. */
  readonly sums: Map<string, Promise<ReadonlyMap<string, string>>>;
  /** Indices that the upstream names and does not have, and that are made here from what it has. */
  readonly madeHere: WeakSet<Artifact>;
  /** Ids of releases of whose end was told. */
  readonly expired: Set<string>;
}

/** The repository as one caller may use it, with what the service remembers. */
export interface AptRepository extends Repository<AptOptions> {
  readonly memory: AptMemory;
  /** Where packages are published; null where an upstream's are fetched. */
  readonly suites: Suites | null;
}

/** What an operation does for the repository. True when all went well. */
export type AptRun = (repository: AptRepository, call: OperationCall) => Promise<boolean>;

/** What is stored was changed by another server. What clients are in the middle of stays so. */
export function forgetStored({ releases, replacements, lookups }: AptMemory): void {
  releases.stored = null;
  releases.kept.clear();
  releases.dropped.clear();
  releases.epoch += 1;
  replacements.known = null;
  replacements.turn += 1;
  lookups.stored.clear();
}

export function createMemory({ now }: Pick<UnboundRepository, "now">): AptMemory {
  return {
    sessions: createSessions(now),
    releases: {
      stored: null,
      kept: new Map(),
      dropped: new Map(),
      wanting: new Set(),
      seen: new Map(),
      epoch: 0,
    },
    replacements: { known: null, turn: 0 },
    lookups: { stored: new Map(), handles: new Map(), isClosed: false },
    byHash: new WeakMap(),
    pool: new WeakMap(),
    sums: new Map(),
    madeHere: new WeakSet(),
    expired: new Set(),
  };
}
