// Accounts as one caller may use them (core/accounts.ts).
import type { AccessRules } from "../core/access.ts";
import type { Accounts, Holder, IssuedToken, Profile, Token } from "../core/accounts.ts";
import { createClaims } from "../core/claims.ts";
import { type Action, type Grant, permit } from "../core/grant.ts";
import type { Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Database } from "../store/database.ts";
import type { Admin } from "./admin.ts";
import type { AuditLog } from "./audit.ts";
import type { Directory, User } from "./directory.ts";
import { membersOf } from "./effective.ts";
import type { Existing } from "./existing.ts";
import type { LogIns } from "./login.ts";
import { spellUser } from "./names.ts";
import type { PendingLogins } from "./pending.ts";
import type { Spelling } from "./permissions.ts";
import { isSecret } from "./secret.ts";
import {
  findToken,
  insertToken,
  listTokens,
  type Owner,
  revokeToken,
  type StoredToken,
} from "./tokens.ts";

export interface AccountsDeps {
  database: Database;
  directory: Directory;
  rules(): AccessRules;
  admin: Admin;
  audit: AuditLog;
  logIns: LogIns;
  pending: PendingLogins;
  spelling: Spelling;
  /** A CI job's identity token for one of ours. */
  exchange: Accounts["exchange"];
  existing: Existing;
  now(): number;
}

export function createAccounts(deps: AccountsDeps): (grant: Grant) => Accounts {
  const { database, directory, admin, audit, logIns, pending, now } = deps;

  function issue(by: Principal, owner: string, wish: Parameters<typeof insertToken>[2]) {
    deps.existing.repositories(wish.scope.repositories);
    return directory.addToken(async (sql): Promise<IssuedToken> => {
      // Who approved a log-in may be gone by now, and the name somebody else's one day.
      const [user] =
        await sql`SELECT name FROM users WHERE name = ${owner} AND disabled_at IS NULL`;
      if (!user) throw new Problem("forbidden", `${owner} may do nothing here any more`);
      const token = await insertToken(sql, { kind: "user", name: owner }, wish, now());
      const { id, name, scope, cidrs, expiresAt } = token;
      const detail = { id, name, scope, cidrs, expiresAt };
      await audit.write(sql, { action: "token", principal: by, detail });
      return token;
    });
  }

  function bind(grant: Grant): Accounts {
    const caller = grant.principal;

    /** The user that the caller is. Throws for who is none. */
    function self(): User {
      const user = caller.kind === "user" ? directory.current().users.get(caller.name) : undefined;
      if (user) return user;
      if (grant.cause) throw grant.cause;
      const why = caller.kind === "anonymous" ? "Nobody is logged in" : `${caller.name} is no user`;
      throw new Problem("unauthenticated", grant.fault ?? why, { rule: "login" });
    }

    /** What changes an account takes all that its owner may: a token for a part of it must not make one for more. */
    function requireWhole(what: string): User {
      const user = self();
      if (caller.token === null || caller.token.isWhole) return user;
      throw new Problem("forbidden", `A token for a part of what ${user.name} may cannot ${what}`, {
        rule: "login",
      });
    }

    const owner = (): Owner => ({ kind: "user", name: self().name });

    return {
      caller,
      async profile() {
        return caller.kind === "user" && grant.fault === null ? profileOf(self()) : null;
      },
      async changeProfile({ email, fullName, password }) {
        const user = requireWhole("change the account");
        if (password) {
          if (user.password === null)
            throw new Problem(
              "forbidden",
              `${user.name} has no password here: another system has it`,
            );
          await logIns.check(user.name, password.old, caller.address);
          await admin.setPassword(caller, user.name, password.new);
        }
        if (email !== undefined || fullName !== undefined)
          await admin.setProfile(caller, user.name, {
            ...(email !== undefined && { email }),
            ...(fullName !== undefined && { fullName }),
          });
        return profileOf(directory.current().users.get(user.name)!);
      },
      async user(name) {
        self();
        const found = directory.current().users.get(spellUser(name));
        return found ? { name: found.name, email: found.email } : null;
      },
      async logIn(name, password, wish, address) {
        directory.permitChange();
        const user = await logIns.check(name, password, address);
        const by: Principal = { kind: "user", name: user.name, token: null, address };
        audit.note({ action: "log in", principal: by });
        return issue(by, user.name, wish);
      },
      async beginLogin(wish, client, address) {
        directory.permitChange();
        return pending.begin(wish, client, address);
      },
      async endLogin(id) {
        const ended = await pending.end(id);
        if (!ended) return null;
        const by: Principal = {
          kind: "user",
          name: ended.user,
          token: null,
          address: caller.address,
        };
        return issue(by, ended.user, ended.wish);
      },
      awaitLogin: (id) => pending.hold(id),
      async tokens() {
        return (await listTokens(database.read, owner())).map(publicToken);
      },
      async issueToken(wish, password) {
        const user = requireWhole("make a token");
        if (password !== undefined && user.password !== null)
          await logIns.check(user.name, password, caller.address);
        return issue(caller, user.name, wish);
      },
      async revokeToken(idOrSecret) {
        // Whoever has the secret may end it, logged in or not: that is what to do with one that was found.
        const found = isSecret(idOrSecret) ? await findToken(database.read, idOrSecret) : null;
        if (!found && idOrSecret !== caller.token?.id) requireWhole("end another one");
        const of: Owner = found ? { kind: found.ownerKind, name: found.owner } : owner();
        const ended = await directory.endToken(async (sql) => {
          const token = await revokeToken(sql, of, idOrSecret, now());
          if (!token) return null;
          const detail = { id: token.id, owner: token.owner, name: token.name };
          await audit.write(sql, { action: "revoke token", principal: caller, detail });
          return token;
        });
        return ended !== null;
      },
      exchange: (...wanted) => deps.exchange(...wanted),
      async holders(repository, packageName) {
        permit(grant, repository, "read", packageName);
        return holdersOf(repository, packageName);
      },
      async allow(repository, packageName, holder, actions) {
        permit(grant, repository, "admin", packageName);
        await allow(caller, repository, packageName, holder, actions);
      },
      async teams() {
        self();
        return [
          ...new Set([...directory.current().teams.keys(), ...Object.keys(deps.rules().teams)]),
        ].sort();
      },
      async members(team) {
        self();
        const members = membersOf(directory.current(), deps.rules(), spellUser(team));
        if (!members) throw new Problem("notFound", `There is no team ${team}`);
        return members;
      },
    };
  }

  function holdersOf(repository: string, packageName: string): Holder[] {
    const snapshot = directory.current();
    const found = new Map<string, Holder>();
    for (const { holder, actions, repositories, packages } of [
      ...deps.rules().grants,
      ...snapshot.grants,
    ]) {
      const [, kind, name] = /^(user|team):(.+)$/.exec(holder) ?? [];
      if (!kind || !name || packages === null) continue;
      if (repositories !== null && !repositories.includes(repository)) continue;
      if (createClaims(packages, deps.spelling(repository))(packageName) === null) continue;
      const email = kind === "user" ? (snapshot.users.get(name)?.email ?? "") : "";
      const before = found.get(holder)?.actions ?? [];
      found.set(holder, {
        kind: kind as Holder["kind"],
        name,
        email,
        actions: [...new Set([...before, ...actions])],
      });
    }
    return [...found.values()];
  }

  async function allow(
    by: Principal,
    repository: string,
    packageName: string,
    { kind, name }: { kind: "user" | "team"; name: string },
    actions: Action[],
  ): Promise<void> {
    if (packageName.includes("*"))
      throw new Problem(
        "badRequest",
        `${packageName} would be a pattern: such a name has no owners of its own`,
      );
    const snapshot = directory.current();
    const holder = `${kind}:${spellUser(name)}`;
    if (kind === "user" && !snapshot.users.has(spellUser(name)))
      throw new Problem("notFound", `There is no user ${name}`);
    if (kind === "team" && !membersOf(snapshot, deps.rules(), spellUser(name)))
      throw new Problem("notFound", `There is no team ${name}`);
    const before = snapshot.grants.filter(
      (one) =>
        one.holder === holder &&
        one.repositories?.[0] === repository &&
        one.packages?.length === 1 &&
        one.packages[0] === packageName,
    );
    for (const { id } of before) await admin.ungrant(by, id);
    if (actions.length > 0)
      await admin.grant(by, { holder, actions, repository, package: packageName });
  }

  const bound = new WeakMap<Grant, Accounts>();
  return (grant) => {
    const made = bound.get(grant) ?? bind(grant);
    bound.set(grant, made);
    return made;
  };
}

function profileOf(user: User): Profile {
  const { name, email, fullName, createdAt, changedAt, password } = user;
  return { name, email, fullName, createdAt, changedAt, hasPassword: password !== null };
}

function publicToken({ ownerKind: _kind, revokedAt: _revoked, ...token }: StoredToken): Token {
  return token;
}
