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
  /** Publishing, logging in and everything else that would change something. */
  | { kind: "unsupported"; method: string };

/** Null for anything that is not a registry path; never throws. */
export function parseRoute(method: string, path: string): NpmRoute | null {
  const tokens = tokenize(path);
  if (!tokens) return null;
  if (method === "POST" && tokens.slice(0, 4).join("/") === "-/npm/v1/security") {
    const form = tokens.slice(4).join("/");
    if (form === "advisories/bulk") return { kind: "advisories" };
    if (form === "audits" || form === "audits/quick") return { kind: "audit", form };
  }
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

/** What the caller must be allowed to do. */
export function accessOf(route: NpmRoute): Access {
  if (route.kind === "unsupported") return { action: "publish", package: null };
  return { action: "read", package: "name" in route ? route.name : null };
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
