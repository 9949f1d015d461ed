// What publishing needs of the rest of the house.
import type { AuditEntry } from "../core/audit.ts";
import type { Told } from "../core/hook.ts";
import type { Hosting } from "../core/hosting.ts";
import type { Events } from "../ledger/events.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Changes } from "../store/changes.ts";
import type { Database, Query } from "../store/database.ts";
import type { Hold } from "../store/leases.ts";
import type { HostedNames } from "./names.ts";
import type { Quotas } from "./usage.ts";

/** What all repositories share. */
export interface HostedDeps {
  database: Database;
  blobs: Blobs;
  changes: Changes;
  events: Events;
  names: HostedNames;
  /** The lock between naming bytes and removing them, see cache/named.ts. */
  naming: {
    hold(sha256: string): Promise<Hold>;
    remove(sha256: string): Promise<boolean>;
    mayRemove(): Promise<void>;
    mayPublish(): Promise<void>;
  };
  /** Writes down who did what, in the transaction that does it. */
  audit(sql: Query, entry: AuditEntry): Promise<void>;
  /** Has hooks told of it, from the transaction that does it. */
  tell(sql: Query, told: Told): Promise<void>;
  now(): number;
  /** Why nothing is published, changed or removed here, by anybody; null or left out where it is. */
  closed?: string | null | undefined;
}

/** What an operator says of one repository. */
export interface HostedOptions extends Quotas {
  /** Milliseconds that removed files can be restored. */
  trashMs: number;
  /** Whether a file may be published again with other bytes. */
  replace: boolean;
}

/** What becomes of a package's own state when a release comes from another repository, where it is `from`. Pure. */
export type Promoted = (
  before: Record<string, unknown>,
  from: Record<string, unknown>,
  version: string,
) => Record<string, unknown>;

/** What becomes of it when the package is abandoned. Pure. */
export type Abandoned = (
  before: Record<string, unknown>,
  abandoned: boolean | string,
) => Record<string, unknown>;

/** What is read of a repository that another one is built on. */
export type HostedReading = Pick<Hosting, "owns" | "read" | "search">;

export interface HostedSettings extends HostedOptions {
  repository: string;
  format: string;
  /** See `Format.promoted`. */
  promoted: Promoted | null;
  /** See `Format.abandoned`. */
  abandoned: Abandoned | null;
  /** See `Format.staying`. */
  staying: string | null;
  /** Whether packages of this format can be published at all. */
  canHost: boolean;
  /** The repositories that this one is built on, as the server itself may use them. */
  bases(): readonly HostedReading[];
  /** The one of them that the package belongs to, with its name. */
  elsewhere(packageName: string): { name: string; room: HostedReading } | null;
  /** See `OwnHosting.turn`. */
  turn(): number;
  /** Whether the name is claimed by the repository's configuration. */
  claims(packageName: string): boolean;
}

/** Nothing bounded but the size of one file; a month to think again. */
export const hostedDefaults: HostedOptions = {
  trashMs: 30 * 24 * 60 * 60 * 1000,
  replace: false,
  quota: null,
  quotaPerUser: null,
  fileLimit: 5 * 1024 ** 3,
};
