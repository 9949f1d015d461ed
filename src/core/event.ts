// What an operator must know.

/** Every kind of event, in the order in which they are told to people, and how loud each is. */
export const eventLevels = {
  tampered: "error",
  orphaned: "warn",
  returned: "info",
  malformed: "warn",
  refused: "warn",
  /** Policy holds a release that clients asked about, or refused one that is blocked; then that it is withheld no more. */
  withheld: "warn",
  released: "info",
  unsigned: "error",
  fork: "error",
  lifted: "warn",
  /** An operator took a pin back. */
  unpinned: "warn",
  /** A file was published again with other bytes, where the configuration allows it. */
  replaced: "warn",
  rollback: "error",
  expired: "warn",
  repacked: "info",
  skipped: "info",
  /** What is said of who made a file is false. */
  unproven: "warn",
  /** A package was asked for whose name is close to that of a popular one. */
  similar: "warn",
  /** Stored bytes are not what they were. */
  damaged: "error",
  unfinished: "error",
  /** A feed told something of a release that was fetched here. */
  advisory: "warn",
  /** A release that was fetched here is blocked by an advisory from now on. */
  revoked: "error",
  /** An upstream could not be reached for a while; then that it answers again. */
  "upstream-down": "warn",
  "upstream-up": "info",
  /** Little is left of the disk; then that there is room again. */
  "disk-low": "error",
  "disk-ok": "info",
  /** The append-only log has what the database no longer has: it was deleted, or an older copy was put in its place. */
  "history-lost": "error",
  /** The append-only log is not the one that the database knows: another one was begun. */
  "log-lost": "error",
  /** A witness has seen another history of the append-only log than the one that is here. */
  "log-forked": "error",
  /** An operator took the log and the database as they are. */
  "history-accepted": "warn",
  /** A made-up package met something else than it should (jobs/canaries.ts); then that it is as it should be again. */
  "canary-red": "error",
  "canary-green": "info",
  /** A rule of core/alarm.ts found something that calls for somebody; then that it is over. */
  alarm: "error",
  "alarm-over": "info",
} as const satisfies Record<string, "error" | "warn" | "info">;

export type EventKind = keyof typeof eventLevels;

export const eventKinds = Object.keys(eventLevels) as readonly EventKind[];

/** In place of a repository's name: what is about the server as a whole. */
export const NO_REPOSITORY = "-";

/** Something that an operator must know. Stored, logged, counted. */
export interface RepositoryEvent {
  kind: EventKind;
  /** Empty for what is about none. */
  package: string;
  version?: string;
  file?: string;
  /** One sentence. */
  message: string;
  /** Digests, times, upstream: what an investigation needs. */
  detail?: Record<string, unknown>;
}
