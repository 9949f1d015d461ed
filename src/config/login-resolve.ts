// From what `login:` and `trustedPublishers:` say to what the server uses: secrets and certificates read, names checked.
import type { z } from "zod";
import type { TrustedPublisher } from "../core/identity.ts";
import type { Path } from "./errors.ts";
import type { Login, TrustedPublishers } from "./login.ts";

/** Told of what is wrong, and where. */
interface Around {
  complain(path: Path, message: string): void;
}

export interface OidcConfig {
  issuer: string;
  clientId: string;
  clientSecret: string | null;
  scopes: string[];
  claims: { name: string; groups: string };
  hosts: string[];
  ca: string | undefined;
  teams: Record<string, string>;
}

export interface LdapConfig {
  url: string;
  startTls: boolean;
  ca: string | undefined;
  bindDn: string | undefined;
  bindPassword: string | undefined;
  base: string;
  filter: string;
  attributes: { name: string; email: string; fullName: string; id: string };
  groups: { base: string; filter: string; name: string } | { attribute: string } | null;
  timeoutMs: number;
  teams: Record<string, string>;
}

export interface LoginConfig {
  oidc: OidcConfig | null;
  ldap: LdapConfig | null;
}

export interface PublisherConfig extends TrustedPublisher {
  ca: string | undefined;
}

/** What reads a secret or a certificate that the file names, and the environment. */
export interface SecretReader {
  secret(input: Readonly<Record<string, unknown>>, name: string, path: Path): string | null;
  pem(file: string | undefined, path: Path): string | undefined;
  /** What is set, and nothing is complained of where it is not. */
  env(name: string): string | undefined;
  /** From the root on, of one that the configuration names. */
  path(file: string): string;
}

export function resolveLogin(
  { oidc, ldap }: z.infer<typeof Login>,
  read: SecretReader,
  { complain }: Around,
): LoginConfig {
  const at = (...more: string[]) => ["login", ...more];
  if (ldap?.groupBase !== undefined && ldap.groupAttribute !== undefined)
    complain(at("ldap", "groupBase"), "either groupAttribute or groupBase, not both");
  if (
    ldap?.url.startsWith("ldap:") &&
    !ldap.startTls &&
    !/\/\/(127\.|localhost|\[::1\])/.test(ldap.url)
  )
    complain(at("ldap", "url"), "passwords would travel in the clear: ldaps://, or startTls: true");
  return {
    oidc: oidc
      ? {
          issuer: oidc.issuer,
          clientId: oidc.clientId,
          clientSecret: read.secret(oidc, "clientSecret", at("oidc")),
          scopes: oidc.scopes,
          claims: { name: oidc.usernameClaim, groups: oidc.groupsClaim },
          hosts: oidc.hosts,
          ca: read.pem(oidc.ca, at("oidc", "ca")),
          teams: oidc.teams,
        }
      : null,
    ldap: ldap
      ? {
          url: ldap.url.replace(/\/$/, ""),
          startTls: ldap.startTls,
          ca: read.pem(ldap.ca, at("ldap", "ca")),
          bindDn: ldap.bindDn,
          bindPassword: read.secret(ldap, "bindPassword", at("ldap")) ?? undefined,
          base: ldap.base,
          filter: ldap.filter,
          attributes: {
            name: ldap.nameAttribute,
            email: ldap.emailAttribute,
            fullName: ldap.fullNameAttribute,
            id: ldap.idAttribute,
          },
          groups:
            ldap.groupAttribute !== undefined
              ? { attribute: ldap.groupAttribute }
              : ldap.groupBase !== undefined
                ? { base: ldap.groupBase, filter: ldap.groupFilter, name: ldap.groupName }
                : null,
          timeoutMs: ldap.timeout,
          teams: ldap.teams,
        }
      : null,
  };
}

export function resolvePublishers(
  inputs: z.infer<typeof TrustedPublishers>,
  read: SecretReader,
  { publicUrl, repositories }: { publicUrl: string | null; repositories: readonly string[] },
  { complain }: Around,
): PublisherConfig[] {
  return inputs.map((input, at) => {
    for (const [index, name] of input.repositories.entries())
      if (!repositories.includes(name))
        complain(
          ["trustedPublishers", at, "repositories", index],
          `there is no repository ${name}`,
        );
    if (input.audiences.length === 0 && publicUrl === null)
      complain(
        ["trustedPublishers", at],
        "needs audiences, or publicUrl: else whoever sends a request would say for whom its token may be",
      );
    return {
      issuer: input.issuer,
      audiences: input.audiences.length > 0 ? input.audiences : audiencesOf(publicUrl),
      claims: Object.fromEntries(
        Object.entries(input.claims).map(([name, value]) => [name, [value].flat()]),
      ),
      repositories: input.repositories,
      packages: input.packages,
      actions: input.may,
      ca: read.pem(input.ca, ["trustedPublishers", at, "ca"]),
    };
  });
}

/** npm leaves the port out, yarn does not. */
function audiencesOf(publicUrl: string | null): string[] {
  if (publicUrl === null) return [];
  const { host, hostname } = new URL(publicUrl);
  return [...new Set([hostname, host, `npm:${hostname}`, `npm:${host}`])];
}
