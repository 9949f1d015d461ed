// npm's own way of logging in, of tokens and of profiles. npm/npm-profile; docs of npm login, token, profile, owner, team.

import type { Token, TokenScope, TokenWish } from "../../core/accounts.ts";
import { jsonReply, requestJson } from "../../core/answers.ts";
import type { Action } from "../../core/grant.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { stateOf } from "./hosted.ts";
import type { AccountRoute } from "./routes.ts";
import { isObject } from "./types.ts";

const BODY = { bytes: 64 * 1024, values: 2_000 };
const DAY_MS = 86_400_000;
const WHOLE: TokenScope = { repositories: null, packages: null, actions: null };
/** npm asks again at once without it, which is right once its request was held. */
const LATER = { "retry-after": "2" };
const PACKAGES = 1_000;

type Body = Record<string, unknown>;

export async function serveAccount(
  route: AccountRoute,
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const { accounts } = repository;
  switch (route.kind) {
    case "webLogin": {
      // A repository that stands at the root of a port of its own has no pages there. Clients go on by name and password.
      if (new URL(request.base).pathname === "/")
        throw new Problem(
          "notFound",
          "There is no page to log in on at this port: log in with a name and a password (npm login --auth-type=legacy), or at the server's main address",
        );
      const { id, page } = await accounts.beginLogin(
        wishOf(request, "npm login"),
        clientOf(request),
        request.address,
      );
      const doneUrl = `${request.base}/-/v1/done/${id}`;
      return jsonReply(200, { loginUrl: `${siteOf(request)}${page}`, doneUrl });
    }
    case "loginDone": {
      const token = await accounts.endLogin(route.id);
      if (token) return jsonReply(200, { token: token.secret });
      const isHeld = await accounts.awaitLogin(route.id);
      return jsonReply(202, {}, null, isHeld ? {} : LATER);
    }
    case "userLogin":
      return userLogin(route.user, request, repository);
    case "user": {
      const found = await accounts.user(route.user);
      if (!found) throw new Problem("notFound", `There is no user ${route.user}`);
      return jsonReply(200, { _id: `org.couchdb.user:${found.name}`, ...found, type: "user" });
    }
    case "logout":
      // Whatever became of it, npm forgets its own copy only when it hears so.
      await accounts.revokeToken(route.token).catch((error) => {
        if (!(error instanceof Problem)) throw error;
      });
      return jsonReply(200, { ok: true });
    case "revokeToken": {
      const isDone = await accounts.revokeToken(route.token);
      if (!isDone) throw new Problem("notFound", "There is no such token");
      return { status: 204, headers: {}, body: null };
    }
    case "profile":
      return profile(route.method, request, repository);
    case "tokens":
      return tokens(route.method, request, repository);
    case "userPackages":
      return userPackages(route.user, repository);
    case "starred":
      return starred(request, repository);
    case "teams":
      return jsonReply(
        200,
        (await accounts.teams()).map((team) => `${route.scope}:${team}`),
      );
    case "team":
      return jsonReply(200, await accounts.members(route.team));
  }
}

/** A name and a password, in the form of CouchDB. A user that is there already gets a token; nobody makes a user so. */
async function userLogin(user: string, request: Request, repository: Repository): Promise<Reply> {
  const body = await bodyOf(request);
  const { name = user, password } = body;
  if (typeof password !== "string" || name !== user)
    throw new Problem("badRequest", "A log-in has a name and a password");
  const wish = wishOf(request, "npm login");
  const token = await repository.accounts.logIn(user, password, wish, request.address);
  return jsonReply(201, { ok: true, id: `org.couchdb.user:${user}`, token: token.secret });
}

async function profile(method: string, request: Request, { accounts }: Repository): Promise<Reply> {
  const before = await accounts.profile();
  if (!before) throw new Problem("unauthenticated", "Nobody is logged in", { rule: "login" });
  let now = before;
  if (method === "POST") {
    const { email, fullname, password, tfa } = await bodyOf(request);
    if (isObject(tfa) || typeof tfa === "string")
      throw new Problem(
        "forbidden",
        "There is no second factor here: log in through OpenID Connect for one",
      );
    const words = isObject(password) ? password : {};
    now = await accounts.changeProfile({
      ...(typeof email === "string" && email !== before.email && { email }),
      ...(typeof fullname === "string" && fullname !== before.fullName && { fullName: fullname }),
      ...(typeof words["old"] === "string" &&
        typeof words["new"] === "string" && {
          password: { old: words["old"], new: words["new"] },
        }),
    });
  }
  return jsonReply(200, {
    tfa: null,
    name: now.name,
    email: now.email,
    email_verified: false,
    fullname: now.fullName,
    created: iso(now.createdAt),
    updated: iso(now.changedAt),
  });
}

async function tokens(method: string, request: Request, repository: Repository): Promise<Reply> {
  const { accounts } = repository;
  if (method !== "POST") {
    const objects = (await accounts.tokens()).map(shown);
    return jsonReply(200, { objects, total: objects.length, urls: {} });
  }
  const body = await bodyOf(request);
  const { password, expires, cidr_whitelist: cidrs } = body;
  const token = await accounts.issueToken(
    {
      name: typeof body["name"] === "string" ? body["name"] : "npm token create",
      scope: scopeOf(body),
      cidrs: Array.isArray(cidrs) ? cidrs.map(String) : [],
      expiresAt: typeof expires === "number" ? repository.now() + expires * DAY_MS : null,
    },
    typeof password === "string" && password !== "" ? password : undefined,
  );
  return jsonReply(201, { ...shown(token), token: token.secret });
}

/** npm 10 says `readonly`; npm 11 and 12 say packages, scopes and a permission. */
function scopeOf(body: Body): TokenScope {
  const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  const scopes = texts(body["scopes"]).map(
    (scope) => `${scope.startsWith("@") ? scope : `@${scope}`}/*`,
  );
  const packages = [...texts(body["packages"]), ...scopes];
  const permission = body["packages_and_scopes_permission"];
  const isReading = body["readonly"] === true || permission === "read-only";
  const isForAll = packages.length === 0 || body["packages_all"] === true;
  const actions: Action[] | null = isReading
    ? ["read"]
    : packages.length > 0
      ? ["publish", "unpublish"]
      : null;
  return { ...WHOLE, packages: isForAll ? null : packages, actions };
}

function shown({ id, prefix, name, scope, cidrs, createdAt, expiresAt }: Token) {
  return {
    key: id,
    token: prefix,
    name,
    readonly: scope.actions?.every((action) => action === "read") ?? false,
    cidr_whitelist: cidrs,
    created: iso(createdAt),
    updated: iso(createdAt),
    ...(expiresAt !== null && { expires: iso(expiresAt) }),
  };
}

/** Of those that are published here. */
async function userPackages(user: string, repository: Repository): Promise<Reply> {
  const found: Record<string, "read" | "write"> = {};
  for await (const { name, state } of hostedPackages(repository))
    if (stateOf({ state }).maintainers?.some((one) => one.name === user)) found[name] = "write";
  return jsonReply(200, found);
}

async function starred(request: Request, repository: Repository): Promise<Reply> {
  const key = new URLSearchParams(request.query).get("key") ?? "";
  const user = key.replaceAll('"', "");
  const rows: { value: string }[] = [];
  for await (const { name, state } of hostedPackages(repository))
    if (stateOf({ state }).users?.[user]) rows.push({ value: name });
  return jsonReply(200, { rows });
}

async function* hostedPackages({ hosting }: Repository) {
  for (const name of await hosting.search("", PACKAGES)) {
    const found = await hosting.read(name);
    if (found) yield found;
  }
}

/** `GET /-/package/<name>/collaborators`: users alone, as npm shows no teams there. */
export async function serveCollaborators(name: string, repository: Repository): Promise<Reply> {
  const holders = await repository.accounts.holders(repository.name, name);
  const users = holders.filter(({ kind }) => kind === "user");
  return jsonReply(
    200,
    Object.fromEntries(
      users.map((user) => [
        user.name,
        user.actions.every((action) => action === "read") ? "read" : "write",
      ]),
    ),
  );
}

/** `POST /-/package/<name>/access`. */
export async function serveSetAccess(request: Request): Promise<Reply> {
  const { access, publish_requires_tfa: needsFactor } = await bodyOf(request);
  if (access === "restricted" || access === "private") return jsonReply(200, { ok: true });
  // `npm access set mfa=none`, and another one.
  if (needsFactor === false) return jsonReply(200, { ok: true });
  if (needsFactor === true)
    throw new Problem(
      "forbidden",
      "There is no second factor for a publication here: publish from CI as a trusted publisher, or with a token that ends soon",
    );
  throw new Problem(
    "forbidden",
    "Who may read what is said by grants (holdfast grant, access: in the configuration), and not by a package",
  );
}

/** A CI job's identity token, which npm sends as Bearer, for one of ours. */
export async function serveExchange(
  name: string,
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const [, identity = ""] = /^Bearer\s+(\S+)$/i.exec(request.header("authorization") ?? "") ?? [];
  const { hostname, host } = new URL(request.base);
  const token = await repository.accounts.exchange(
    identity,
    { repository: repository.name, package: name },
    // npm leaves the port out, yarn does not.
    [...new Set([`npm:${hostname}`, `npm:${host}`])],
    request.address,
  );
  return jsonReply(201, { token: token.secret, expires: token.expiresAt && iso(token.expiresAt) });
}

async function bodyOf(request: Request): Promise<Body> {
  const body = await requestJson(request, BODY);
  if (!isObject(body)) throw new Problem("badRequest", "The body is no JSON object");
  return body;
}

function wishOf(request: Request, name: string): TokenWish {
  return { name: `${name} from ${request.address}`, scope: WHOLE, cidrs: [], expiresAt: null };
}

/** Where the server's own pages are: beside the repository, also where a proxy has all of it below a path. */
function siteOf({ base }: Request): string {
  return base.slice(0, base.lastIndexOf("/"));
}

/** What the client calls itself: "npm/12.2.0 node/v20". */
function clientOf(request: Request): string {
  return (request.header("user-agent") ?? "an unknown client").slice(0, 100);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
