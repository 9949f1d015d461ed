// The room of accounts, put together: what stays for as long as the server, and a gate for each configuration.
import { type AccessRules, noRules } from "../core/access.ts";
import type { Accounts } from "../core/accounts.ts";
import type { Grant } from "../core/grant.ts";
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import type { Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { createAccounts } from "./accounts.ts";
import { type Admin, createAdmin } from "./admin.ts";
import { type AuditLog, createAudit } from "./audit.ts";
import { type Directory, openDirectory } from "./directory.ts";
import { anonymousGrants } from "./effective.ts";
import { createExisting } from "./existing.ts";
import { createGate, type Gate } from "./gate.ts";
import { createInvitations, type Invitations } from "./invitations.ts";
import { createLogIns, type LogIns, type Outside } from "./login.ts";
import { createOneTime, type OneTime } from "./one-time.ts";
import { createPasswords } from "./passwords.ts";
import { createPendingLogins, type PendingLogins } from "./pending.ts";
import { type Admit, createAdmit } from "./people.ts";
import { type May, mayOf, type Spelling } from "./permissions.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createSetup, type Setup } from "./setup.ts";
import { createThrottle, type Throttle } from "./throttle.ts";

export interface AuthDeps {
  database: Database;
  changes: Changes;
  log: Log;
  now(): number;
  /** Where others are guessed at as well: what comes of it is shared with them. */
  share?(throttle: Throttle): Throttle;
  /** Why accounts cannot be changed here: they are kept by another server. */
  closed?: string | null;
}

/** What of a configuration is about access. */
export interface AuthSettings {
  access: AccessRules;
  spelling: Spelling;
  /** Names of all repositories: what is given for another one is refused. */
  repositories?: readonly string[];
  outside?: readonly Outside[];
  exchange?: Accounts["exchange"];
  /** Why nobody is who they say, for now; null where they are. */
  shut?(): string | null;
}

export interface Auth {
  readonly directory: Directory;
  readonly admin: Admin;
  readonly audit: AuditLog;
  readonly logIns: LogIns;
  readonly pending: PendingLogins;
  readonly setup: Setup;
  readonly sessions: Sessions;
  readonly once: OneTime;
  readonly invitations: Invitations;
  /** The user that somebody is who is known to another system. */
  readonly admit: Admit;
  /** The configuration's part in it, as it stands now. */
  rules(): AccessRules;
  accounts(grant: Grant): Accounts;
  /** Whether anonymous callers may read the package. */
  isPublic(repository: string, packageName: string | null): boolean;
  /** From now on by this configuration. The gate of the one before is closed by who uses it. */
  use(settings: AuthSettings): Gate;
}

export async function openAuth(deps: AuthDeps): Promise<Auth> {
  const { database, changes, log, now, closed = null, share = (own) => own } = deps;
  const directory = await openDirectory(database, changes, closed);
  const audit = createAudit(database, log, now);
  const passwords = createPasswords();
  let settings: AuthSettings = { access: noRules, spelling: () => undefined };
  let anonymous: May = () => false;
  const refresh = () => {
    const grants = anonymousGrants(directory.current(), settings.access);
    anonymous = mayOf(grants, settings.spelling);
  };
  refresh();
  changes.on(
    "access",
    ({ key }) => {
      if (key === "") refresh();
    },
    refresh,
  );
  const logIns = createLogIns({
    directory,
    passwords,
    throttle: share(createThrottle(now)),
    audit,
    get outside() {
      return settings.outside ?? [];
    },
  });
  const existing = createExisting({
    directory,
    rules: () => settings.access,
    repositories: () => settings.repositories ?? null,
  });
  const admin = createAdmin({
    directory,
    existing,
    passwords,
    audit,
    now,
  });
  const pending = createPendingLogins(database, now);
  const sessions = createSessions({ database, directory, now });
  return {
    directory,
    admin,
    audit,
    logIns,
    pending,
    setup: createSetup(directory, admin, closed !== null),
    sessions,
    once: createOneTime(database, now),
    invitations: createInvitations({ database, directory, passwords, audit, now }),
    admit: createAdmit({ database, directory, audit, now }),
    rules: () => settings.access,
    accounts: createAccounts({
      database,
      directory,
      rules: () => settings.access,
      admin,
      existing,
      audit,
      logIns,
      pending,
      spelling: (repository) => settings.spelling(repository),
      exchange: (...wanted) => (settings.exchange ?? noPublishers)(...wanted),
      now,
    }),
    isPublic: (repository, packageName) => anonymous(repository, "read", packageName),
    use(wanted) {
      settings = wanted;
      refresh();
      return createGate({
        directory,
        rules: wanted.access,
        logIns,
        database,
        changes,
        spelling: wanted.spelling,
        audit,
        sessions: sessions.find,
        ...(wanted.shut && { shut: wanted.shut }),
        now,
      });
    },
  };
}

const noPublishers: Accounts["exchange"] = async () => {
  throw new Problem("forbidden", "This server trusts no CI to publish (trustedPublishers)", {
    rule: "not-enabled",
  });
};
