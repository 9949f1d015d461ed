// Who may read what, for a server in another site that lets the same people in: given by the one that they are kept in, and taken over by the other.
import { createHash } from "node:crypto";
import type { AccessRules } from "../core/access.ts";
import { memo } from "../core/memo.ts";
import type { Query } from "../store/database.ts";
import { portions, tuples } from "../store/several.ts";
import type { Directory, Snapshot } from "./directory.ts";
import { anonymousGrants } from "./effective.ts";

/** A token, as its row has it: of its secret the SHA-256 alone. */
export interface FollowedToken {
  id: string;
  secret: string;
  prefix: string;
  ownerKind: string;
  owner: string;
  name: string;
  scope: string;
  cidrs: string;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
}

export interface FollowedGrant {
  id: string;
  holder: string;
  actions: string;
  repository: string;
  package: string;
  createdAt: number;
  createdBy: string;
}

/** No passwords, no addresses of people, no sessions: who has a token may come with it. */
export interface FollowedAccess {
  users: { name: string; createdAt: number; disabledAt: number | null }[];
  /** Names of members, by team. */
  teams: Record<string, string[]>;
  grants: FollowedGrant[];
  tokens: FollowedToken[];
  /** What the configuration says, with what holds where it says nothing. */
  rules: Pick<AccessRules, "teams" | "grants"> & { anonymous: AccessRules["grants"] };
}

const digestOf = memo(({ users, teams, grants }: Snapshot) =>
  createHash("sha256")
    .update(JSON.stringify([[...users.values()], [...teams], grants]))
    .digest("base64url"),
);

/** Another one once any of it is something else; of the tokens a few numbers are looked at. */
export async function stampOfAccess(
  sql: Query,
  directory: Snapshot,
  rules: AccessRules,
): Promise<string> {
  const [row] =
    await sql`SELECT count(*) AS total, count(revoked_at) AS ended, max(created_at) AS newest, max(revoked_at) AS last
    FROM tokens`;
  const { total, ended, newest, last } = row;
  const seen = [digestOf(directory), rules, ...[total, ended, newest, last].map(Number)];
  return createHash("sha256").update(JSON.stringify(seen)).digest("base64url");
}

export async function readAccess(
  sql: Query,
  directory: Snapshot,
  rules: AccessRules,
  now: number,
): Promise<FollowedAccess> {
  const tokens = await sql`SELECT * FROM tokens
    WHERE revoked_at IS NULL OR revoked_at > ${now - ENDED_MS} ORDER BY id`;
  return {
    users: [...directory.users.values()].map(({ name, createdAt, disabledAt }) => ({
      name,
      createdAt,
      disabledAt,
    })),
    teams: Object.fromEntries([...directory.teams].map(([team, names]) => [team, [...names]])),
    grants: directory.grants.map((one) => ({
      id: one.id,
      holder: one.holder,
      actions: one.actions.join(","),
      repository: one.repositories?.[0] ?? "*",
      package: one.packages?.[0] ?? "*",
      createdAt: one.createdAt,
      createdBy: one.createdBy,
    })),
    tokens: tokens.map(tokenOf),
    rules: {
      anonymous: anonymousGrants({ ...directory, grants: [] }, rules),
      teams: rules.teams,
      grants: [...rules.grants],
    },
  };
}

/** For so long it is told that a token was ended, to who still comes with it. */
const ENDED_MS = 30 * 86_400_000;
const PRIMARY = "the primary";

/** Puts all of it in the place of what was there. When it resolves nobody is let in by what was before. `also`: in the same transaction. */
export function takeAccess(
  directory: Directory,
  { users, teams, grants, tokens }: Omit<FollowedAccess, "rules">,
  also: (sql: Query) => Promise<void>,
): Promise<void> {
  return directory.replace(async (sql) => {
    await sql`DELETE FROM users`;
    await sql`DELETE FROM teams`;
    await sql`DELETE FROM team_members`;
    await sql`DELETE FROM grants`;
    await sql`DELETE FROM tokens`;
    await sql`DELETE FROM sessions`;
    await sql`DELETE FROM identities`;
    await sql`DELETE FROM pending_logins`;
    for (const some of portions(
      users.map((one) => [
        one.name,
        "",
        "",
        null,
        one.createdAt,
        PRIMARY,
        one.createdAt,
        one.disabledAt,
      ]),
    ))
      await sql`INSERT INTO users (name, email, full_name, password, created_at, created_by, changed_at, disabled_at)
        VALUES ${tuples(some)}`;
    for (const some of portions(Object.keys(teams).map((team) => [team, 0, PRIMARY])))
      await sql`INSERT INTO teams (name, created_at, created_by) VALUES ${tuples(some)}`;
    const members = Object.entries(teams).flatMap(([team, names]) =>
      [...new Set(names)].map((name) => [team, name, ""]),
    );
    for (const some of portions(members))
      await sql`INSERT INTO team_members (team, user_name, source) VALUES ${tuples(some)}`;
    for (const some of portions(
      grants.map((one) => [
        ...[one.id, one.holder, one.actions, one.repository, one.package],
        ...[one.createdAt, one.createdBy],
      ]),
    ))
      await sql`INSERT INTO grants (id, holder, actions, repository, package, created_at, created_by)
        VALUES ${tuples(some)}`;
    for (const some of portions(
      tokens.map((one) => [
        ...[one.id, one.secret, one.prefix, one.ownerKind, one.owner, one.name, one.scope],
        ...[one.cidrs, one.createdAt, one.expiresAt, one.revokedAt],
      ]),
    ))
      await sql`INSERT INTO tokens (id, secret, prefix, owner_kind, owner, name, scope, cidrs, created_at, expires_at, revoked_at)
        VALUES ${tuples(some)}`;
    await also(sql);
  });
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function tokenOf(row: any): FollowedToken {
  const time = (value: string | number | null) => (value === null ? null : Number(value));
  return {
    id: row.id,
    secret: row.secret,
    prefix: row.prefix,
    ownerKind: row.owner_kind,
    owner: row.owner,
    name: row.name,
    scope: row.scope,
    cidrs: row.cidrs,
    createdAt: Number(row.created_at),
    expiresAt: time(row.expires_at),
    revokedAt: time(row.revoked_at),
  };
}
