// Tokens: made, found by their secret, listed, revoked. Only the SHA-256 of a secret is stored.
import { randomUUID } from "node:crypto";
import type { IssuedToken, Token, TokenScope, TokenWish } from "../core/accounts.ts";
import { isRange } from "../core/address.ts";
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "../store/database.ts";
import { hashSecret, isSecret, makeSecret, prefixOf } from "./secret.ts";

export interface Owner {
  kind: "user" | "job";
  name: string;
}

export interface StoredToken extends Token {
  ownerKind: Owner["kind"];
  revokedAt: number | null;
}

const LONGEST_NAME = 100;
const MOST_RANGES = 50;
const LONGEST_MS = 100 * 366 * 86_400_000;
/** Enough to name a repository's packages one by one, and not to fill a disk with. */
const MOST_SCOPE = 8_000;

/** Makes one; the caller sees to it that who owns it may have it. */
export async function insertToken(
  sql: Query,
  owner: Owner,
  wish: TokenWish,
  now: number,
): Promise<IssuedToken> {
  requireWish(wish, now);
  const secret = makeSecret();
  const token: IssuedToken = {
    ...wish,
    id: randomUUID(),
    prefix: prefixOf(secret),
    owner: owner.name,
    createdAt: now,
    lastUsedAt: null,
    secret,
  };
  await sql`INSERT INTO tokens (id, secret, prefix, owner_kind, owner, name, scope, cidrs, created_at, expires_at)
    VALUES (${token.id}, ${hashSecret(secret)}, ${token.prefix}, ${owner.kind}, ${owner.name}, ${wish.name},
    ${JSON.stringify(wish.scope)}, ${JSON.stringify(wish.cidrs)}, ${now}, ${wish.expiresAt})`;
  return token;
}

/** Null for what is no token of this server. One that was revoked, or is too old, is found: who sent it is told. */
export async function findToken(sql: Query, secret: string): Promise<StoredToken | null> {
  if (!isSecret(secret)) return null;
  const [row] = await sql`SELECT * FROM tokens WHERE secret = ${hashSecret(secret)}`;
  return row ? tokenOf(row) : null;
}

/** Those that were not revoked, the newest first; of all owners without one. */
export async function listTokens(sql: Query, owner: Owner | null): Promise<StoredToken[]> {
  const [kind, name] = [owner?.kind ?? "", owner?.name ?? ""];
  const rows =
    await sql`SELECT * FROM tokens WHERE revoked_at IS NULL AND (${kind} = '' OR (owner_kind = ${kind} AND owner = ${name}))
    ORDER BY created_at DESC, id`;
  return rows.map(tokenOf);
}

/** By id or secret. Null when there is none such of this owner (of anybody, without one), or it was revoked before. */
export async function revokeToken(
  sql: Query,
  owner: Owner | null,
  idOrSecret: string,
  now: number,
): Promise<StoredToken | null> {
  const secret = isSecret(idOrSecret) ? hashSecret(idOrSecret) : "";
  const [row] =
    await sql`SELECT * FROM tokens WHERE (id = ${idOrSecret} OR secret = ${secret}) AND revoked_at IS NULL`;
  const token = row ? tokenOf(row) : null;
  if (!token || (owner && (token.ownerKind !== owner.kind || token.owner !== owner.name)))
    return null;
  await sql`UPDATE tokens SET revoked_at = ${now} WHERE id = ${token.id}`;
  return token;
}

/** All of a user's, when the user goes or is no longer to be trusted. Returns how many. */
export async function revokeAll(sql: Query, owner: Owner, now: number): Promise<number> {
  const rows = await sql`UPDATE tokens SET revoked_at = ${now}
    WHERE owner_kind = ${owner.kind} AND owner = ${owner.name} AND revoked_at IS NULL RETURNING id`;
  return rows.length;
}

/** When tokens were used last, by id: written now and then, so that a request costs no write. */
export async function noteUses(
  database: Database,
  uses: ReadonlyMap<string, number>,
): Promise<void> {
  await database.write(async (sql) => {
    for (const [id, at] of uses) await sql`UPDATE tokens SET last_used_at = ${at} WHERE id = ${id}`;
  });
}

/** Tokens of jobs live for minutes: their rows go a while after, and the audit log tells of them. */
export async function forgetTokens(sql: Query, before: number): Promise<void> {
  await sql`DELETE FROM tokens WHERE owner_kind = 'job' AND expires_at < ${before}`;
}

function requireWish({ name, scope, cidrs, expiresAt }: TokenWish, now: number): void {
  // `rule` tells forms beside which field it is to be said.
  const wrong = (at: string, why: string) =>
    new Problem("badRequest", `This is no token to make: ${why}`, { rule: `token-${at}` });
  if (name.trim() === "" || name.length > LONGEST_NAME || /[\u0000-\u001f]/.test(name))
    throw wrong("name", `its name has 1 to ${LONGEST_NAME} characters`);
  if (cidrs.length > MOST_RANGES)
    throw wrong("cidrs", `it has more than ${MOST_RANGES} address ranges`);
  for (const range of cidrs)
    if (!isRange(range)) throw wrong("cidrs", `"${range.slice(0, 60)}" is no IP address or range`);
  if (JSON.stringify(scope).length > MOST_SCOPE) throw wrong("packages", "it names too much");
  const odd = scope.packages?.find((pattern) => !/^[^\s\u0000-\u001f\u007f]+$/.test(pattern));
  if (odd !== undefined)
    throw wrong("packages", `"${odd.slice(0, 60)}" is no pattern of names, like @acme/*`);
  if (expiresAt !== null && !(expiresAt > now)) throw wrong("days", "it would be over already");
  if (expiresAt !== null && !(expiresAt <= now + LONGEST_MS))
    throw wrong(
      "days",
      "it would be there for more than a hundred years: without an end it never ends",
    );
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function tokenOf(row: any): StoredToken {
  const time = (value: unknown) => (value === null ? null : Number(value));
  return {
    id: row.id,
    prefix: row.prefix,
    ownerKind: row.owner_kind,
    owner: row.owner,
    name: row.name,
    scope: JSON.parse(row.scope) as TokenScope,
    cidrs: JSON.parse(row.cidrs) as string[],
    createdAt: Number(row.created_at),
    expiresAt: time(row.expires_at),
    lastUsedAt: time(row.last_used_at),
    revokedAt: time(row.revoked_at),
  };
}
