// What an operator must know.

/** Told of in ledger/events.ts, with how loud each is. */
export type EventKind =
  | "tampered"
  | "orphaned"
  | "returned"
  | "malformed"
  | "unsigned"
  | "fork"
  | "lifted"
  /** An operator took a pin back. */
  | "unpinned"
  /** A file was published again with other bytes, where the configuration allows it. */
  | "replaced"
  | "refused"
  | "rollback"
  | "expired"
  | "repacked"
  | "skipped"
  /** Stored bytes are not what they were. */
  | "damaged"
  | "unfinished";

/** Something that an operator must know. Stored, logged, counted. */
export interface RepositoryEvent {
  kind: EventKind;
  package: string;
  version?: string;
  file?: string;
  /** One sentence. */
  message: string;
  /** Digests, times, upstream: what an investigation needs. */
  detail?: Record<string, unknown>;
}
