// The registry's path grammar, still percent-encoded. npm/registry docs/REGISTRY-API.md; npm/cli and its lib/ packages.
import type { Access } from "../../core/grant.ts";
import { isFileName, isPackageName, isTag, isVersion } from "./names.ts";

export type NpmRoute =
  | { kind: "packument" | "distTags"; name: string }
  | { kind: "version"; name: string; wanted: string }
  | { kind: "tarball"; name: string; file: string }
  | { kind: "attestations"; name: string; version: string }
  | { kind: "ping" | "whoami" | "search" | "keys" | "advisories" }
  | { kind: "audit"; form: "audits" | "audits/quick" }
  | { kind: "publish"; name: string }
  | { kind: "rewrite"; name: string; rev: string }
  | { kind: "unpublish"; name: string; file: string | null; rev: string }
  | { kind: "tag"; name: string; tag: string; method: string }
  | { kind: "visibility" | "collaborators" | "setAccess" | "exchange"; name: string }
  | AccountRoute
  /** Everything else that would change something. */
  | { kind: "unsupported"; method: string };

/** What is about the caller's account: each asks for itself who is there. */
export type AccountRoute =
  | { kind: "webLogin" | "starred" }
  | { kind: "loginDone"; id: string }
  | { kind: "userLogin" | "user" | "userPackages"; user: string }
  | { kind: "logout" | "revokeToken"; token: string }
  | { kind: "profile" | "tokens"; method: string }
  | { kind: "teams"; scope: string }
  | { kind: "team"; scope: string; team: string };

/** Null for anything that is not a registry path; never throws. */
export function parseRoute(method: string, path: string): NpmRoute | null {
  const tokens = tokenize(path);
  if (!tokens) return null;
  if (method === "POST" && tokens.slice(0, 4).join("/") === "-/npm/v1/security") {
    const form = tokens.slice(4).join("/");
    if (form === "advisories/bulk") return { kind: "advisories" };
    if (form === "audits" || form === "audits/quick") return { kind: "audit", form };
  }
  const change = parseChange(method, tokens);
  if (change) return change;
  if (method !== "GET" && method !== "HEAD") return { kind: "unsupported", method };
  // A package is named "-": its document is `/-` and its tarballs are `/-/-/…`.
  if (tokens[0] === "-" && tokens.length > 1 && tokens[1] !== "-") return parseApi(tokens.slice(1));

  const [name, rest] = takeName(tokens);
  return (name === null ? null : parsePackage(name, rest)) ?? parseForeignTarball(tokens);
}

/**
 * A lock file's address at another server, which npm's `replace-registry-host=always` asks of us with that server's prefix:
 * `/repository/npm-group/left-pad/-/left-pad-1.3.0.tgz`.
 */
function parseForeignTarball(tokens: string[]): NpmRoute | null {
  const dash = tokens.indexOf("-");
  if (dash < 2) return null;
  const start = tokens[dash - 2]!.startsWith("@") ? dash - 2 : dash - 1;
  const [name, rest] = takeName(tokens.slice(start));
  const route = name === null ? null : parsePackage(name, rest);
  return route?.kind === "tarball" ? route : null;
}

/** Who logs in or out needs no permission, and who is logged in may always know that. */
const OPEN: ReadonlySet<NpmRoute["kind"]> = new Set<NpmRoute["kind"]>([
  "whoami",
  "webLogin",
  "loginDone",
  "userLogin",
  "user",
  "logout",
  "revokeToken",
  "profile",
  "tokens",
  "teams",
  "team",
  "exchange",
]);
const ACTIONS: Partial<Record<NpmRoute["kind"], Access["action"]>> = {
  publish: "publish",
  rewrite: "publish", // what it takes away is asked for again
  tag: "publish",
  setAccess: "admin",
  unpublish: "unpublish",
};

/** What the caller must be allowed to do. */
export function accessOf(route: NpmRoute): Access {
  if (route.kind === "unsupported") return { action: "publish", package: null };
  if (OPEN.has(route.kind)) return { action: "open", package: null };
  return {
    action: ACTIONS[route.kind] ?? "read",
    package: "name" in route ? route.name : null,
  };
}

/** What changes something: of a package, or of an account. */
function parseChange(method: string, tokens: string[]): NpmRoute | null {
  if (tokens[0] === "-" && tokens.length > 1) {
    const own = parseAccount(method, tokens.slice(1)) ?? parsePackageApi(method, tokens.slice(1));
    if (own) return own;
  }
  const [name, rest] = takeName(tokens);
  if (name === null) return null;
  if (method === "PUT" && rest.length === 0) return { kind: "publish", name };
  if (rest.at(-2) !== "-rev") return null;
  const rev = rest.at(-1)!;
  const before = rest.slice(0, -2);
  if (method === "PUT" && before.length === 0) return { kind: "rewrite", name, rev };
  if (method !== "DELETE") return null;
  if (before.length === 0) return { kind: "unpublish", name, file: null, rev };
  const tarball = parsePackage(name, before);
  return tarball?.kind === "tarball" ? { kind: "unpublish", name, file: tarball.file, rev } : null;
}

function parseAccount(method: string, tokens: string[]): NpmRoute | null {
  const isRead = method === "GET" || method === "HEAD";
  const [first, second, third, fourth, fifth] = tokens;
  const path = tokens.join("/");
  if (path === "v1/login" && method === "POST") return { kind: "webLogin" };
  if (isRead && first === "v1" && second === "done" && third && tokens.length === 3)
    return { kind: "loginDone", id: third };
  if (first === "user" && second?.startsWith("org.couchdb.user:")) {
    const user = second.slice("org.couchdb.user:".length);
    const isPlain = tokens.length === 2 || (third === "-rev" && tokens.length === 4);
    if (user && isPlain && method === "PUT") return { kind: "userLogin", user };
    if (user && tokens.length === 2 && isRead) return { kind: "user", user };
  }
  if (method === "DELETE" && first === "user" && second === "token" && third && tokens.length === 3)
    return { kind: "logout", token: third };
  if (isRead && first === "user" && third === "package" && tokens.length === 3)
    return { kind: "userPackages", user: second! };
  if (path === "npm/v1/user" && (isRead || method === "POST")) return { kind: "profile", method };
  if (path === "npm/v1/tokens" && (isRead || method === "POST")) return { kind: "tokens", method };
  if (
    method === "DELETE" &&
    path.startsWith("npm/v1/tokens/token/") &&
    fifth &&
    tokens.length === 5
  )
    return { kind: "revokeToken", token: fifth };
  if (isRead && path === "_view/starredByUser") return { kind: "starred" };
  if (isRead && first === "org" && third === "team" && tokens.length === 3)
    return { kind: "teams", scope: second! };
  if (isRead && first === "team" && fourth === "user" && tokens.length === 4)
    return { kind: "team", scope: second!, team: third! };
  return null;
}

/** `/-/package/<name>/…`, and the exchange of a CI job's token. */
function parsePackageApi(method: string, tokens: string[]): NpmRoute | null {
  const exchange = "npm/v1/oidc/token/exchange/package/";
  if (method === "POST" && tokens.join("/").startsWith(exchange)) {
    const [name, rest] = takeName(tokens.slice(6));
    return name !== null && rest.length === 0 ? { kind: "exchange", name } : null;
  }
  if (tokens[0] !== "package") return null;
  const [name, [what, tag, ...more]] = takeName(tokens.slice(1));
  if (name === null || more.length > 0) return null;
  if (what === "dist-tags" && tag !== undefined && ["PUT", "POST", "DELETE"].includes(method))
    return { kind: "tag", name, tag, method };
  if (tag !== undefined) return null;
  if (what === "access" && method === "POST") return { kind: "setAccess", name };
  if (method !== "GET" && method !== "HEAD") return null;
  return what === "visibility" || what === "collaborators" ? { kind: what, name } : null;
}

function parsePackage(name: string, rest: string[]): NpmRoute | null {
  const [first, second, third] = rest;
  if (first === undefined) return { kind: "packument", name };
  if (second === undefined)
    return isVersion(first) || isTag(first) ? { kind: "version", name, wanted: first } : null;
  if (first !== "-") return null;
  // Artifactory and GitLab repeat the scope: `/@s/n/-/@s/n-1.0.0.tgz`.
  const repeated = third !== undefined && name.startsWith(`${second}/`);
  const file = repeated ? third : second;
  if (rest.length !== (repeated ? 3 : 2) || !isFileName(file)) return null;
  return { kind: "tarball", name, file };
}

function parseApi(tokens: string[]): NpmRoute | null {
  switch (tokens.join("/")) {
    case "ping":
      return { kind: "ping" };
    case "whoami":
      return { kind: "whoami" };
    case "v1/search":
      return { kind: "search" };
    case "npm/v1/keys":
      return { kind: "keys" };
  }
  if (tokens[0] === "package" && tokens.at(-1) === "dist-tags") {
    const [name, rest] = takeName(tokens.slice(1, -1));
    return name !== null && rest.length === 0 ? { kind: "distTags", name } : null;
  }
  if (tokens.slice(0, 3).join("/") !== "npm/v1/attestations") return null;
  const spec = tokens.slice(3).join("/");
  const at = spec.lastIndexOf("@");
  const name = spec.slice(0, Math.max(at, 0));
  const version = spec.slice(at + 1);
  return isPackageName(name) && isVersion(version) ? { kind: "attestations", name, version } : null;
}

/** A package name and the tokens after it; null when they begin with none. */
function takeName(tokens: string[]): [name: string | null, rest: string[]] {
  const parts = tokens[0]?.startsWith("@") ? 2 : 1;
  const name = tokens.slice(0, parts).join("/");
  return [isPackageName(name) ? name : null, tokens.slice(parts)];
}

/**
 * The decoded parts between slashes. `/@s%2fn` and `/@s/n` are one: an encoded slash may stand behind a scope and nowhere else.
 * Decoded once; what would decode again is refused.
 */
function tokenize(path: string): string[] | null {
  if (!path.startsWith("/")) return null;
  const tokens: string[] = [];
  for (const raw of path.slice(1).split("/")) {
    const segment = decode(raw);
    if (segment === null) return null;
    if (segment.includes("/") && !/^@[^/]+\/[^/]+$/.test(segment)) return null;
    tokens.push(...segment.split("/"));
  }
  return tokens.every(isToken) ? tokens : null;
}

function isToken(token: string): boolean {
  if (token === "" || token === "." || token === "..") return false;
  return !/[\u0000-\u0020\u007f\\%]/.test(token);
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
