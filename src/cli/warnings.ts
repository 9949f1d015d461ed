// What is right in a configuration but dangerous: said by doctor and by config check.
import { availableParallelism } from "node:os";
import { isLoopback } from "../config/access.ts";
import type { Config, RepositoryConfig } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { socketPath } from "../config/values.ts";
import { endOf } from "../core/certificate.ts";
import type { Format } from "../core/format.ts";
import type { Finding } from "./finding.ts";

export type WarningFormat = FormatOptions & Pick<Format, "warnings">;

type ServerConfig = Pick<Config, "tls" | "access" | "publicUrl" | "trustedProxies"> &
  Partial<Pick<Config, "processes" | "listen">>;

/** What concerns the server as a whole. `hasUsers`: whether there are accounts beside what the configuration says. */
export function serverWarnings(config: ServerConfig, now: number, hasUsers: boolean): Finding[] {
  const warning = (text: string, hint: string, subject = "tls"): Finding => ({
    state: "warning",
    subject,
    text,
    hint,
  });
  const end = config.tls && endOf(config.tls, now);
  const renew = "Put the new one in the place of the files: it is read without a restart";
  return [
    ...(end ? [warning(end, renew)] : []),
    ...(isReadable(config, hasUsers)
      ? [
          warning(
            "passwords and tokens come over plain HTTP, from other machines as well: whoever is on the way can read them",
            "Set tls:, or publicUrl: https://… and trustedProxies: where a proxy speaks TLS",
          ),
        ]
      : []),
    ...(isOpenedByProxy(config)
      ? [
          warning(
            "whoever comes through the proxy may read everything, without a name: access.anonymous is not set, and the server itself listens on this machine alone",
            "Say what is meant: `access: { anonymous: read }` or `access: { anonymous: none }`",
            "users",
          ),
        ]
      : []),
    ...processWarnings(config).map((text) =>
      warning(text, "docs/scale.md tells when several processes help", "processes"),
    ),
  ];
}

function processWarnings({ processes = 1, listen }: ServerConfig): string[] {
  if (processes === 1) return [];
  const cores = availableParallelism();
  return [
    ...(processes > cores ? [`${processes} of them share ${cores} cores`] : []),
    ...(listen && socketPath(listen.host) !== null
      ? ["a socket file has one process: the others have nothing to do"]
      : []),
  ];
}

/** Loopback is the proxy's as well. */
function isOpenedByProxy({ access, publicUrl, trustedProxies }: ServerConfig): boolean {
  const host = publicUrl === null ? "localhost" : new URL(publicUrl).hostname;
  const isPublic = trustedProxies.length > 0 || !isLoopback(host.replace(/^\[|\]$/g, ""));
  return access.anonymous === null && access.isLocal && isPublic;
}

function isReadable(config: ServerConfig, hasUsers: boolean): boolean {
  const { tls, access, publicUrl, trustedProxies } = config;
  const hasProxy = publicUrl?.startsWith("https:") || trustedProxies.length > 0;
  const isUsed = hasUsers || access.grants.length > 0;
  return isUsed && !access.isLocal && tls === null && !hasProxy;
}

/**
 * What the format keeps saying of its options (`Format.warnings`), names that another repository claims and this one would tell its upstream, and what
 * may be read through it that may not be read where it is.
 */
export function warningsOf(
  repository: RepositoryConfig,
  { repositories: all, access }: Pick<Config, "repositories" | "access">,
  formats: readonly WarningFormat[],
): Finding[] {
  const { name: subject, format, options } = repository;
  const known = formats.find(({ name }) => name === format);
  const texts = [
    ...(known?.warnings?.(options) ?? []),
    ...toldElsewhere(repository, all),
    ...openedBases(repository, all, access),
  ];
  return texts.map((text) => ({ state: "warning", subject, text }));
}

/** A claim holds in its own repository: a client that is set to another one of the same format asks for the name there. */
function toldElsewhere(repository: RepositoryConfig, all: readonly RepositoryConfig[]): string[] {
  const { name, format, offline, upstreams } = repository;
  const claims = ownNames(repository);
  if (offline || upstreams.length === 0) return [];
  const bases = basesOf(repository, all); // what they claim is asked of them alone
  return all
    .filter((other) => other.name !== name && other.format === format && !bases.has(other.name))
    .flatMap((other) => {
      const told = ownNames(other).filter((pattern) => !claims.includes(pattern));
      if (told.length === 0) return [];
      return [`asks its upstream for names that ${other.name} claims: ${told.join(", ")}`];
    });
}

function ownNames({ claims, sources = [] }: RepositoryConfig): string[] {
  return [...claims, ...sources.map(({ names }) => names)];
}

/** What a repository is built on, and what that is built on. */
function basesOf({ bases = [] }: RepositoryConfig, all: readonly RepositoryConfig[]): Set<string> {
  const found = new Set<string>();
  for (const { repository } of bases) {
    found.add(repository);
    const base = all.find(({ name }) => name === repository);
    for (const name of base ? basesOf(base, all) : []) found.add(name);
  }
  return found;
}

/** Who may read a repository may read what it is built on: said where the file's own grants tell the two apart. */
function openedBases(
  repository: RepositoryConfig,
  all: readonly RepositoryConfig[],
  { grants, anonymous }: Config["access"],
): string[] {
  const { name } = repository;
  const opened = [...basesOf(repository, all)].filter((base) =>
    [...grants, ...(anonymous ?? [])].some(
      ({ repositories: only }) => only?.includes(name) && !only.includes(base),
    ),
  );
  if (opened.length === 0) return [];
  return [
    `is built on ${opened.join(", ")}: whoever may read ${name} may read what is published there, also where a grant names ${name} alone`,
  ];
}
