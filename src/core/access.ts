// Who was given what: the words of the configuration's `access:`, and of grants that are stored.
import type { Action } from "./grant.ts";

/** Something that somebody was given. */
export interface Granted {
  /** "user:ann", "team:platform", "everyone" (who is logged in), "anonymous" (and with that, everybody). */
  holder: string;
  actions: readonly Action[];
  /** Names of repositories; null for all, and the server itself. */
  repositories: readonly string[] | null;
  /** Patterns of package names, as in `claims`; null for all. */
  packages: readonly string[] | null;
  /** Where it stands, for people: "holdfast.yaml:14 access.grants[1]", "given by ann on 2026-11-26". */
  source: string;
}

/** What the configuration says of access. */
export interface AccessRules {
  /** What callers may who give no name; null where nothing is said of it. */
  anonymous: Granted[] | null;
  /** Members, by team. */
  teams: Readonly<Record<string, readonly string[]>>;
  grants: readonly Granted[];
  /** Whether the server and all additional ports listen on this machine alone: who may use it may read, unless something else is said. */
  isLocal: boolean;
}

export const noRules: AccessRules = { anonymous: null, teams: {}, grants: [], isLocal: true };
