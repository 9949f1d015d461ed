// Links by which somebody sets a password, once: for a new user, and for one who forgot theirs, so that no administrator has to know it. The database holds
// the hash of the code.
import { createHash, randomBytes } from "node:crypto";
import type { Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "../store/database.ts";
import type { AuditLog } from "./audit.ts";
import type { Directory } from "./directory.ts";
import { type Passwords, requirePassword } from "./passwords.ts";

/** As tokens begin, so that it is kept out of logs. */
const START = "hf_invite_";

/** A new one; its code, which is in the path, is told this once. */
export interface Invitation {
  /** From the root of the server. */
  path: string;
  /** Milliseconds since the epoch. */
  until: number;
}

/** One that was made and not used; without its code. */
export interface OpenInvitation {
  user: string;
  createdAt: number;
  createdBy: string;
  until: number;
}

export interface Invitations {
  /** Whose it is; null when it was used, is over, or there never was one. */
  find(code: string): Promise<OpenInvitation | null>;
  /** Of this user, where one is open. */
  of(user: string): Promise<OpenInvitation | null>;
  /**
   * Sets the password of its user, ends their sessions in browsers, and returns the name. Throws Problem("notFound") for one that is no more,
   * Problem("badRequest") for a password that is none: then the link stays.
   */
  use(code: string, password: string, address: string): Promise<string>;
}

export interface InvitationDeps {
  database: Database;
  directory: Directory;
  passwords: Passwords;
  audit: AuditLog;
  now(): number;
}

export function createInvitations(deps: InvitationDeps): Invitations {
  const { database, directory, passwords, audit, now } = deps;

  async function find(code: string): Promise<OpenInvitation | null> {
    const [row] =
      await database.read`SELECT user_name, created_at, created_by, expires_at FROM invitations
      WHERE code = ${hashOf(code)} AND expires_at > ${now()}`;
    return row ? openOf(row) : null;
  }

  return {
    find,
    async of(user) {
      const [row] =
        await database.read`SELECT user_name, created_at, created_by, expires_at FROM invitations
        WHERE user_name = ${user} AND expires_at > ${now()}`;
      return row ? openOf(row) : null;
    },
    async use(code, password, address) {
      // Before anything is hashed: whoever has no link costs nothing.
      if (!(await find(code))) throw gone();
      requirePassword(password);
      const hash = await passwords.hash(password);
      return directory.change(async (sql) => {
        const [row] = await sql`DELETE FROM invitations WHERE code = ${hashOf(code)}
          AND expires_at > ${now()} RETURNING user_name, created_by`;
        if (!row) throw gone();
        const { user_name: name, created_by: by } = row as {
          user_name: string;
          created_by: string;
        };
        await sql`UPDATE users SET password = ${hash}, changed_at = ${now()} WHERE name = ${name}`;
        await sql`DELETE FROM sessions WHERE user_name = ${name}`;
        const principal: Principal = { kind: "user", name, token: null, address };
        const detail = { what: "password", name, invitedBy: by };
        await audit.write(sql, { action: "user", principal, detail });
        return name;
      });
    },
  };
}

/** In place of one that there is of this user. */
export async function insertInvitation(
  sql: Query,
  user: string,
  by: string,
  now: number,
  until: number,
): Promise<Invitation> {
  const code = `${START}${randomBytes(32).toString("base64url")}`;
  await sql`DELETE FROM invitations WHERE user_name = ${user} OR expires_at <= ${now}`;
  await sql`INSERT INTO invitations (user_name, code, created_at, created_by, expires_at)
    VALUES (${user}, ${hashOf(code)}, ${now}, ${by}, ${until})`;
  return { path: `/-/invitation?code=${code}`, until };
}

/** False when there was none. */
export async function endInvitation(sql: Query, user: string): Promise<boolean> {
  const rows = await sql`DELETE FROM invitations WHERE user_name = ${user} RETURNING user_name`;
  return rows.length > 0;
}

function hashOf(code: string): string {
  return createHash("sha256").update(code).digest("hex");
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function openOf(row: any): OpenInvitation {
  return {
    user: row.user_name,
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
    until: Number(row.expires_at),
  };
}

function gone(): Problem {
  return new Problem(
    "notFound",
    "This link was used, is over, or another one took its place: ask an administrator for a new one",
    { rule: "invitation" },
  );
}
