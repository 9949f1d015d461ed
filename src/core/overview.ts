// What a running server tells people of itself: what is served, from where, and what happened.

export interface Overview {
  /** Milliseconds since the epoch, as all times here. */
  startedAt: number;
  now: number;
  /** By repository. */
  repositories: ReadonlyMap<string, RepositoryState>;
  /** The newest stored files, newest first. */
  newest: readonly NewestFile[];
  /** The newest events, newest first. */
  events: readonly OverviewEvent[];
}

export interface RepositoryState {
  /** Files and bytes stored. */
  files: number;
  bytes: number;
  /** Requests since the start, and how many of them were answered without an upstream. */
  requests: number;
  hits: number;
  offline: boolean;
  /** Nothing but what is published here is ever had: it has no upstream that could be away. */
  isHostedOnly: boolean;
  /** Hosts of its upstreams that cannot be reached at present. */
  away: readonly string[];
}

export interface NewestFile {
  repository: string;
  package: string;
  version: string;
  file: string;
  size: number;
  at: number;
}

export interface OverviewEvent {
  at: number;
  kind: string;
  repository: string;
  package: string;
  message: string;
}
