// What administrators do: users, teams, grants, anybody's tokens. Whoever calls these was asked for their grant before (commands of the operator,
// the API). Each change is in the audit log, in its own transaction.
import { randomUUID } from "node:crypto";
import type { IssuedToken, TokenWish } from "../core/accounts.ts";
import type { AuditEntry } from "../core/audit.ts";
import type { Action } from "../core/grant.ts";
import { nameOf, type Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Query } from "../store/database.ts";
import type { AuditLog } from "./audit.ts";
import type { Directory, StoredGrant } from "./directory.ts";
import type { Existing } from "./existing.ts";
import { endInvitation, type Invitation, insertInvitation } from "./invitations.ts";
import { requireName } from "./names.ts";
import { type Passwords, requirePassword } from "./passwords.ts";
import { insertToken, revokeAll, revokeToken, type StoredToken } from "./tokens.ts";

export interface NewUser {
  name: string;
  email?: string;
  fullName?: string;
  /** Null for who logs in elsewhere alone. */
  password: string | null;
}

export interface NewGrant {
  /** "user:ann", "team:platform", "everyone", "anonymous". */
  holder: string;
  actions: Action[];
  /** Null for all. */
  repository: string | null;
  /** A pattern; null for all. */
  package: string | null;
}

/** How something is taken away. */
export interface Taking {
  /** Why, for the audit log. */
  reason?: string | undefined;
  /** Also where nobody is left then who may everything. */
  isForced?: boolean | undefined;
}

/** `by`: who does it, for the audit log. Each throws Problem("conflict" | "notFound" | "badRequest") for what makes no sense. */
export interface Admin {
  addUser(by: Principal, user: NewUser, isAdmin?: boolean): Promise<void>;
  /** With their memberships, grants, tokens and sessions, and what other systems know them by. */
  removeUser(by: Principal, name: string, how?: Taking): Promise<void>;
  /**
   * Ends their sessions in browsers. Null takes the password away, and what other systems know the user by: whoever comes through one under this name
   * first is the user, with all grants and tokens.
   */
  setPassword(
    by: Principal,
    name: string,
    password: string | null,
    how?: Pick<Taking, "reason">,
  ): Promise<void>;
  /** A link by which this user sets a password, once and for so long; the one from before ends. */
  invite(by: Principal, name: string, lifeMs: number): Promise<Invitation>;
  /** False when there was none. */
  uninvite(by: Principal, name: string, how?: Pick<Taking, "reason">): Promise<boolean>;
  setProfile(
    by: Principal,
    name: string,
    profile: { email?: string; fullName?: string },
  ): Promise<void>;
  /** Who is disabled may do nothing, with no token either; all stays for when they may again. */
  setDisabled(by: Principal, name: string, isDisabled: boolean, how?: Taking): Promise<void>;
  /** Takes over users whose passwords are hashed elsewhere's way; those that are here already stay as they are. Returns the names that are new. */
  importUsers(by: Principal, users: readonly { name: string; hash: string }[]): Promise<string[]>;
  addTeam(by: Principal, name: string): Promise<void>;
  removeTeam(by: Principal, name: string, how?: Taking): Promise<void>;
  join(by: Principal, team: string, user: string): Promise<void>;
  leave(by: Principal, team: string, user: string, how?: Taking): Promise<void>;
  grant(by: Principal, grant: NewGrant): Promise<string>;
  ungrant(by: Principal, id: string, how?: Taking): Promise<void>;
  issueToken(by: Principal, owner: string, wish: TokenWish): Promise<IssuedToken>;
  /** Anybody's. */
  revokeToken(by: Principal, id: string, how?: Pick<Taking, "reason">): Promise<StoredToken>;
}

export interface AdminDeps {
  directory: Directory;
  existing: Existing;
  passwords: Passwords;
  audit: AuditLog;
  now(): number;
}

export function createAdmin({ directory, existing, passwords, audit, now }: AdminDeps): Admin {
  /** In one transaction with its line of the audit log. */
  function change<T>(entry: AuditEntry, work: (sql: Query) => Promise<T>): Promise<T> {
    return directory.change(async (sql) => {
      const done = await work(sql);
      await audit.write(sql, entry);
      return done;
    });
  }

  const userOf = existing.user;

  function requireTeam(name: string): string {
    const team = requireName(name, "team");
    if (!directory.current().teams.has(team))
      throw new Problem(
        "notFound",
        `There is no team ${team}; those of the configuration are changed there`,
      );
    return team;
  }

  async function insertUser(
    sql: Query,
    by: Principal,
    user: Omit<NewUser, "password">,
    hash: string | null,
  ) {
    const at = now();
    const rows =
      await sql`INSERT INTO users (name, email, full_name, password, created_at, created_by, changed_at)
      VALUES (${user.name}, ${user.email ?? ""}, ${user.fullName ?? ""}, ${hash}, ${at}, ${nameOf(by)}, ${at})
      ON CONFLICT DO NOTHING RETURNING name`;
    return rows.length > 0;
  }

  async function insertGrant(sql: Query, by: Principal, given: NewGrant): Promise<string> {
    const id = randomUUID().slice(0, 8);
    await sql`INSERT INTO grants (id, holder, actions, repository, package, created_at, created_by)
      VALUES (${id}, ${given.holder}, ${given.actions.join(",")}, ${given.repository ?? "*"}, ${given.package ?? "*"},
      ${now()}, ${nameOf(by)})`;
    return id;
  }

  return {
    async addUser(by, wanted, isAdmin = false) {
      const name = requireName(wanted.name, "user");
      if (wanted.password !== null) requirePassword(wanted.password);
      requireMail(wanted.email ?? "");
      const hash = wanted.password === null ? null : await passwords.hash(wanted.password);
      const detail = { what: "add", name, ...(isAdmin && { admin: true }) };
      await change({ action: "user", principal: by, detail }, async (sql) => {
        if (!(await insertUser(sql, by, { ...wanted, name }, hash)))
          throw new Problem("conflict", `There is a user ${name} already`);
        if (!isAdmin) return;
        await insertGrant(sql, by, {
          holder: `user:${name}`,
          actions: ["admin"],
          repository: null,
          package: null,
        });
      });
    },
    async removeUser(by, typed, how = {}) {
      const { name } = userOf(typed);
      if (!how.isForced)
        existing.requireAnother(`${name} is the only administrator`, { user: name });
      await change(
        { action: "user", principal: by, detail: { what: "remove", name, ...whyOf(how) } },
        async (sql) => {
          await sql`DELETE FROM users WHERE name = ${name}`;
          await sql`DELETE FROM team_members WHERE user_name = ${name}`;
          await sql`DELETE FROM grants WHERE holder = ${`user:${name}`}`;
          // Whoever has this name next is somebody else.
          await sql`DELETE FROM identities WHERE user_name = ${name}`;
          await sql`DELETE FROM sessions WHERE user_name = ${name}`;
          await sql`DELETE FROM pending_logins WHERE user_name = ${name}`;
          await endInvitation(sql, name);
          await revokeAll(sql, { kind: "user", name }, now());
        },
      );
    },
    async setPassword(by, typed, password, how = {}) {
      requireWhole(by, "set a password");
      const { name } = userOf(typed);
      if (password !== null) requirePassword(password);
      const hash = password === null ? null : await passwords.hash(password);
      const what = password === null ? "no password" : "password";
      const detail = { what, name, ...whyOf(how) };
      await change({ action: "user", principal: by, detail }, async (sql) => {
        await sql`UPDATE users SET password = ${hash}, changed_at = ${now()} WHERE name = ${name}`;
        // A password is changed because somebody else may know it.
        await sql`DELETE FROM sessions WHERE user_name = ${name}`;
        await endInvitation(sql, name);
        if (hash === null) await sql`DELETE FROM identities WHERE user_name = ${name}`;
      });
    },
    async invite(by, typed, lifeMs) {
      requireWhole(by, "invite anybody");
      const { name, disabledAt } = userOf(typed);
      if (disabledAt !== null)
        throw new Problem("conflict", `${name} is disabled: let them in again first`);
      const until = now() + lifeMs;
      const detail = { what: "invite", name, until: new Date(until).toISOString() };
      return change({ action: "user", principal: by, detail }, (sql) =>
        insertInvitation(sql, name, nameOf(by), now(), until),
      );
    },
    async uninvite(by, typed, how = {}) {
      const { name } = userOf(typed);
      return directory.change(async (sql) => {
        const isEnded = await endInvitation(sql, name);
        const detail = { what: "uninvite", name, ...whyOf(how) };
        if (isEnded) await audit.write(sql, { action: "user", principal: by, detail });
        return isEnded;
      });
    },
    async setProfile(by, typed, { email, fullName }) {
      const user = userOf(typed);
      const [mail, full] = [email ?? user.email, fullName ?? user.fullName];
      if (mail.length > 200 || full.length > 200 || /[\u0000-\u001f\u007f]/.test(mail + full))
        throw new Problem(
          "badRequest",
          "A name or an address has 200 characters at most, and none that controls a terminal",
        );
      if (email !== undefined) requireMail(email);
      const detail = { what: "profile", name: user.name };
      await change({ action: "user", principal: by, detail }, async (sql) => {
        await sql`UPDATE users SET email = ${mail}, full_name = ${full}, changed_at = ${now()} WHERE name = ${user.name}`;
      });
    },
    async setDisabled(by, typed, isDisabled, how = {}) {
      const { name } = userOf(typed);
      if (isDisabled && !how.isForced)
        existing.requireAnother(`${name} is the only administrator`, { user: name });
      const detail = { what: isDisabled ? "disable" : "enable", name, ...whyOf(how) };
      await change({ action: "user", principal: by, detail }, async (sql) => {
        if (isDisabled) await endInvitation(sql, name);
        await sql`UPDATE users SET disabled_at = ${isDisabled ? now() : null}, changed_at = ${now()} WHERE name = ${name}`;
      });
    },
    async importUsers(by, users) {
      const wanted = users.map(({ name, hash }) => ({ name: requireName(name, "user"), hash }));
      const detail = { what: "import", names: wanted.length };
      return change({ action: "user", principal: by, detail }, async (sql) => {
        const added: string[] = [];
        for (const { name, hash } of wanted)
          if (await insertUser(sql, by, { name }, hash)) added.push(name);
        return added;
      });
    },
    async addTeam(by, typed) {
      const name = requireName(typed, "team");
      await change(
        { action: "team", principal: by, detail: { what: "add", name } },
        async (sql) => {
          const rows =
            await sql`INSERT INTO teams (name, created_at, created_by) VALUES (${name}, ${now()}, ${nameOf(by)})
          ON CONFLICT DO NOTHING RETURNING name`;
          if (rows.length === 0) throw new Problem("conflict", `There is a team ${name} already`);
        },
      );
    },
    async removeTeam(by, typed, how = {}) {
      const name = requireTeam(typed);
      if (!how.isForced)
        existing.requireAnother(`All administrators are in the team ${name}`, { team: name });
      await change(
        { action: "team", principal: by, detail: { what: "remove", name, ...whyOf(how) } },
        async (sql) => {
          await sql`DELETE FROM teams WHERE name = ${name}`;
          await sql`DELETE FROM team_members WHERE team = ${name}`;
          await sql`DELETE FROM grants WHERE holder = ${`team:${name}`}`;
        },
      );
    },
    async join(by, typedTeam, typedUser) {
      const [team, user] = [requireTeam(typedTeam), userOf(typedUser).name];
      await change(
        { action: "team", principal: by, detail: { what: "join", team, user } },
        async (sql) => {
          await sql`INSERT INTO team_members (team, user_name, source) VALUES (${team}, ${user}, '') ON CONFLICT DO NOTHING`;
        },
      );
    },
    async leave(by, typedTeam, typedUser, how = {}) {
      const [team, user] = [requireTeam(typedTeam), requireName(typedUser, "user")];
      if (!how.isForced)
        existing.requireAnother(`${user} is the only administrator, by the team ${team}`, {
          team,
          member: user,
        });
      await change(
        { action: "team", principal: by, detail: { what: "leave", team, user, ...whyOf(how) } },
        async (sql) => {
          await sql`DELETE FROM team_members WHERE team = ${team} AND user_name = ${user}`;
        },
      );
    },
    async grant(by, wanted) {
      const given = { ...wanted, holder: existing.holder(wanted.holder) };
      if (given.package !== null && !/^[^\s\u0000-\u001f\u007f]+$/.test(given.package))
        throw new Problem(
          "badRequest",
          `"${given.package.slice(0, 100)}" is no pattern of names, like @acme/*`,
        );
      existing.repositories(given.repository === null ? null : [given.repository]);
      if (given.actions.length === 0) throw new Problem("badRequest", "A grant allows something");
      if (given.holder === "anonymous" && given.actions.some((action) => action !== "read"))
        throw new Problem("badRequest", "Who gives no name may read, and nothing else");
      return change({ action: "grant", principal: by, detail: { ...given } }, (sql) =>
        insertGrant(sql, by, given),
      );
    },
    async ungrant(by, id, how = {}) {
      const given: StoredGrant | undefined = directory
        .current()
        .grants.find((one) => one.id === id);
      if (!given)
        throw new Problem(
          "notFound",
          `There is no grant ${id}; those of the configuration are changed there`,
        );
      const { holder, actions, repositories, packages } = given;
      if (!how.isForced)
        existing.requireAnother(`Nobody else administers all, and ${holder} does by this`, {
          grant: given,
        });
      const detail = { id, holder, actions, repositories, packages, ...whyOf(how) };
      await change({ action: "revoke grant", principal: by, detail }, async (sql) => {
        await sql`DELETE FROM grants WHERE id = ${id}`;
      });
    },
    async issueToken(by, typed, wish) {
      requireWhole(by, "make a token");
      const { name } = userOf(typed);
      existing.repositories(wish.scope.repositories);
      return directory.addToken(async (sql) => {
        const token = await insertToken(sql, { kind: "user", name }, wish, now());
        const { id, scope, cidrs, expiresAt } = token;
        const detail = { id, owner: name, name: token.name, scope, cidrs, expiresAt };
        await audit.write(sql, { action: "token", principal: by, detail });
        return token;
      });
    },
    async revokeToken(by, id, how = {}) {
      const why = whyOf(how);
      const ended = await directory.endToken(async (sql) => {
        const token = await revokeToken(sql, null, id, now());
        if (!token) return null;
        const detail = { id: token.id, owner: token.owner, name: token.name, ...why };
        await audit.write(sql, { action: "revoke token", principal: by, detail });
        return token;
      });
      if (!ended) throw new Problem("notFound", "There is no such token, or it was ended before");
      return ended;
    },
  };
}

const LONGEST_REASON = 500;

/** As it stands in the audit log. Throws Problem("badRequest"). */
function whyOf({ reason = "" }: Pick<Taking, "reason">): { reason?: string } {
  const text = reason.trim();
  if (text.length > LONGEST_REASON || /[\u0000-\u001f\u007f]/.test(text))
    throw new Problem(
      "badRequest",
      `A reason has ${LONGEST_REASON} characters at most, and none that controls a terminal`,
    );
  return text === "" ? {} : { reason: text };
}

/** A token that ends, or is for a part, must not make what does not end, or is for more. */
function requireWhole({ token, name }: Principal, what: string): void {
  if (token === null || token.isWhole) return;
  throw new Problem(
    "forbidden",
    `A token for a part of what ${name} may, or for a time, cannot ${what}`,
    {
      rule: "login",
    },
  );
}

/** Whether it is somebody's is not asked: lists of owners show it. */
function requireMail(text: string): void {
  if (text === "" || /^[^\s@\u0000-\u001f\u007f]+@[^\s@\u0000-\u001f\u007f]+$/.test(text)) return;
  throw new Problem("badRequest", `"${text.slice(0, 100)}" is no mail address`);
}
