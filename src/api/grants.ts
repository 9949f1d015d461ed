// Grants and tokens: what `holdfast grant|token …` do.
import { z } from "zod";
import { listTokens, type StoredToken } from "../auth/tokens.ts";
import type { Granted } from "../core/access.ts";
import type { Token as IssuedToken } from "../core/accounts.ts";
import { Problem } from "../core/problem.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { pageBy, paged, pageOf } from "./paging.ts";
import { Action, Name, Patterns, Reason, Time, taking, takingOf, time } from "./schemas.ts";

export const Given = z
  .object({
    id: z
      .string()
      .nullable()
      .describe("Null for what the configuration says, which is changed there"),
    holder: z.string().describe("user:NAME, team:NAME, everyone or anonymous"),
    actions: z.array(Action),
    repositories: Patterns.describe("Null for all"),
    packages: Patterns.describe("Null for all"),
    source: z.string().describe("Where it stands"),
  })
  .meta({ id: "Grant" });

export function givenOf(one: Granted): z.infer<typeof Given> {
  const { holder, actions, repositories, packages, source } = one;
  return {
    id: (one as { id?: string }).id ?? null,
    holder,
    actions: actions.filter((action) => action !== "open"),
    repositories: repositories && [...repositories],
    packages: packages && [...packages],
    source,
  };
}

const Scope = z.strictObject({
  repositories: Patterns.default(null),
  packages: Patterns.default(null),
  actions: z.array(Action).min(1).nullable().default(null),
});

const Token = z
  .object({
    id: z.string(),
    owner: z.string(),
    name: z.string(),
    prefix: z.string().describe("The first characters of the secret"),
    scope: z.object({
      repositories: z.array(z.string()).nullable(),
      packages: z.array(z.string()).nullable(),
      actions: z.array(z.string()).nullable(),
    }),
    cidrs: z.array(z.string()),
    createdAt: Time,
    expiresAt: Time.nullable(),
    lastUsedAt: Time.nullable(),
  })
  .meta({ id: "Token" });

function tokenOf(token: IssuedToken | StoredToken): z.infer<typeof Token> {
  const { id, owner, name, prefix, scope, cidrs, createdAt, expiresAt, lastUsedAt } = token;
  const { repositories, packages, actions } = scope;
  return {
    id,
    owner,
    name,
    prefix,
    scope: { repositories, packages, actions },
    cidrs,
    createdAt: time(createdAt),
    expiresAt: time(expiresAt),
    lastUsedAt: time(lastUsedAt),
  };
}

/** Which begins with what is less the newer it is. */
function ageKey({ createdAt, id }: StoredToken): string {
  return `${String(Number.MAX_SAFE_INTEGER - createdAt).padStart(16, "0")} ${id}`;
}

export function grantEndpoints({ auth, database }: ApiDeps) {
  const { admin, directory } = auth;
  const base = { access: ofServer } as const;
  return [
    endpoint({
      ...base,
      tag: "grants",
      method: "GET",
      path: "/grants",
      summary: "All grants, of the configuration and given by commands",
      command: "grant list",
      query: z.object(paged),
      status: 200,
      result: pageOf(Given),
      run({ query }) {
        const { anonymous, grants } = auth.rules();
        const all = [...(anonymous ?? []), ...grants, ...directory.current().grants].map(
          (one, at) => ({ one: givenOf(one), key: String(at).padStart(9, "0") }),
        );
        const { items, next } = pageBy(all, ({ key }) => key, query);
        return { items: items.map(({ one }) => one), next };
      },
    }),
    endpoint({
      ...base,
      tag: "grants",
      method: "POST",
      path: "/grants",
      summary: "Let somebody do something",
      command: "grant add",
      makes: true,
      body: z.strictObject({
        holder: Name.describe("user:NAME, team:NAME, everyone or anonymous"),
        actions: z.array(Action).min(1),
        repository: Name.nullable().default(null).describe("Null for all"),
        package: Name.nullable().default(null).describe("A pattern, as in claims; null for all"),
      }),
      status: 201,
      result: z.object({ id: z.string() }),
      run: async ({ body, grant }) => ({ id: await admin.grant(grant.principal, body) }),
    }),
    endpoint({
      ...base,
      tag: "grants",
      method: "GET",
      path: "/grants/{grant}",
      summary: "A grant that a command gave",
      status: 200,
      result: Given,
      run({ params }) {
        const id = params["grant"]!;
        const found = directory.current().grants.find((one) => one.id === id);
        if (!found) throw new Problem("notFound", `There is no grant ${id}, or it was taken back`);
        return givenOf(found);
      },
    }),
    endpoint({
      ...base,
      tag: "grants",
      method: "DELETE",
      path: "/grants/{grant}",
      summary: "Take back what somebody was given",
      command: "grant remove",
      query: z.object(taking),
      status: 204,
      async run({ params, query, grant }) {
        const id = params["grant"]!;
        if (directory.current().grants.some((one) => one.id === id))
          await admin.ungrant(grant.principal, id, takingOf(query));
      },
    }),
    endpoint({
      ...base,
      tag: "tokens",
      method: "GET",
      path: "/tokens",
      summary: "Tokens that were not revoked, without their secrets, the newest first",
      command: "token list",
      query: z.object({ ...paged, user: Name.optional().describe("Only this user's") }),
      status: 200,
      result: pageOf(Token),
      async run({ query }) {
        const { user } = query;
        const owner = user === undefined ? null : ({ kind: "user", name: user } as const);
        const all = await listTokens(database.read, owner);
        const keyed = all.map((token) => ({ token, key: ageKey(token) }));
        const sorted = keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
        const { items, next } = pageBy(sorted, ({ key }) => key, query);
        return { items: items.map(({ token }) => tokenOf(token)), next };
      },
    }),
    endpoint({
      ...base,
      tag: "tokens",
      method: "GET",
      path: "/tokens/{token}",
      summary: "A token that was not revoked, without its secret",
      status: 200,
      result: Token,
      async run({ params }) {
        const id = params["token"]!;
        const found = (await listTokens(database.read, null)).find((one) => one.id === id);
        if (!found) throw new Problem("notFound", `There is no token ${id}, or it was revoked`);
        return tokenOf(found);
      },
    }),
    endpoint({
      ...base,
      tag: "tokens",
      method: "POST",
      path: "/users/{user}/tokens",
      summary: "Make a token of a user; its secret is told this once",
      command: "token create",
      makes: true,
      body: z.strictObject({
        name: Name,
        scope: Scope.prefault({}),
        cidrs: z.array(z.string()).max(50).default([]),
        expiresAt: Time.nullable().default(null),
      }),
      status: 201,
      result: Token.extend({ secret: z.string() }).meta({ id: "IssuedToken" }),
      async run({ params, body: { expiresAt, ...wish }, grant }) {
        const token = await admin.issueToken(grant.principal, params["user"]!, {
          ...wish,
          expiresAt: expiresAt === null ? null : Date.parse(expiresAt),
        });
        return { ...tokenOf(token), secret: token.secret };
      },
    }),
    endpoint({
      ...base,
      tag: "tokens",
      method: "DELETE",
      path: "/tokens/{token}",
      summary: "End a token, from the next request on",
      command: "token revoke",
      query: z.object({ reason: Reason }),
      status: 204,
      async run({ params, query, grant }) {
        const id = params["token"]!;
        const all = await listTokens(database.read, null);
        if (all.some((one) => one.id === id)) await admin.revokeToken(grant.principal, id, query);
      },
    }),
  ];
}
