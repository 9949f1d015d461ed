// What is right in a configuration but dangerous: said by doctor and by config check.
import type { Config, RepositoryConfig } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { endOf } from "../core/certificate.ts";
import type { Format } from "../core/format.ts";
import type { Finding } from "./finding.ts";

export type WarningFormat = FormatOptions & Pick<Format, "warnings">;

/** What concerns the server as a whole. */
export function serverWarnings({ tls }: Pick<Config, "tls">, now: number): Finding[] {
  const end = tls && endOf(tls, now);
  if (!end) return [];
  const hint = "Put the new one in the place of the files: it is read without a restart";
  return [{ state: "warning", subject: "tls", text: end, hint }];
}

/** What the format keeps saying of its options (`Format.warnings`), and names that another repository claims and this one would tell its upstream. */
export function warningsOf(
  repository: RepositoryConfig,
  all: readonly RepositoryConfig[],
  formats: readonly WarningFormat[],
): Finding[] {
  const { name: subject, format, options } = repository;
  const known = formats.find(({ name }) => name === format);
  const texts = [...(known?.warnings?.(options) ?? []), ...toldElsewhere(repository, all)];
  return texts.map((text) => ({ state: "warning", subject, text }));
}

/** A claim holds in its own repository: a client that is set to another one of the same format asks for the name there. */
function toldElsewhere(
  { name, format, claims, offline, upstreams }: RepositoryConfig,
  all: readonly RepositoryConfig[],
): string[] {
  if (offline || upstreams.length === 0) return [];
  return all
    .filter((other) => other.name !== name && other.format === format)
    .flatMap((other) => {
      const told = other.claims.filter((pattern) => !claims.includes(pattern));
      if (told.length === 0) return [];
      return [`asks its upstream for names that ${other.name} claims: ${told.join(", ")}`];
    });
}
