// `login:` and `trustedPublishers:`, what the configuration says of other systems that vouch for people and jobs.
import { z } from "zod";
import { Duration, EnvName, Path as FilePath, HttpUrl } from "./values.ts";

/** What comes over plain HTTP from another machine proves nothing of anybody. */
const Issuer = HttpUrl.refine((text) => {
  const url = URL.parse(text);
  return !url || url.protocol === "https:" || LOOPBACK.test(url.hostname);
}, "expected an https:// URL");
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const Host = z
  .string()
  .regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, "expected a host name, like keys.example.com");
const Teams = z
  .record(z.string(), z.string().regex(/^[a-z0-9][a-z0-9._@+-]*$/, "expected a team's name"))
  .default({})
  .describe("Teams, by the name of a group there. Groups that are not named here are nothing");

const Oidc = z
  .strictObject({
    issuer: Issuer.describe("The provider, as it writes itself in its tokens").meta({
      examples: ["https://id.example.com"],
    }),
    clientId: z
      .string()
      .min(1)
      .describe("What this server is called there")
      .meta({ examples: ["holdfast"] }),
    clientSecretFile: FilePath.optional().describe("File that holds the client's secret"),
    clientSecretEnv: EnvName.optional().describe(
      "Environment variable that holds the client's secret",
    ),
    scopes: z
      .array(z.string())
      .default(["openid", "profile", "email"])
      .describe("What is asked for; providers may want one more for groups"),
    usernameClaim: z
      .string()
      .default("preferred_username")
      .describe("Which claim is the user's name"),
    groupsClaim: z
      .string()
      .default("groups")
      .describe("Which claim is the list of groups; dots lead into objects (realm_access.roles)"),
    hosts: z.array(Host).default([]).describe("Other hosts that the provider's documents may name"),
    ca: FilePath.optional().describe("PEM file with the provider's certificate authority"),
    teams: Teams,
  })
  .describe("Log in through OpenID Connect, with the code flow and PKCE");

const Ldap = z
  .strictObject({
    url: z
      .string()
      .regex(/^ldaps?:\/\/[^/\s]+\/?$/, "expected ldap://HOST:PORT or ldaps://HOST:PORT")
      .describe("The directory")
      .meta({ examples: ["ldaps://ldap.example.com"] }),
    startTls: z
      .boolean()
      .default(false)
      .describe("Whether a plain connection is encrypted before anything is said (StartTLS)"),
    ca: FilePath.optional().describe("PEM file with the directory's certificate authority"),
    bindDn: z
      .string()
      .optional()
      .describe("Who looks for people; without it nobody in particular")
      .meta({ examples: ["cn=reader,dc=example,dc=com"] }),
    bindPasswordFile: FilePath.optional().describe("File that holds that one's password"),
    bindPasswordEnv: EnvName.optional().describe(
      "Environment variable that holds that one's password",
    ),
    base: z
      .string()
      .describe("Below what people stand")
      .meta({ examples: ["ou=people,dc=example,dc=com"] }),
    filter: z
      .string()
      .includes("{name}", { error: "must hold {name}, where the user's name belongs" })
      .default("(&(objectClass=person)(uid={name}))")
      .describe("Finds one person by `{name}`"),
    nameAttribute: z.string().default("uid").describe("The user's name"),
    emailAttribute: z.string().default("mail").describe("Their address"),
    fullNameAttribute: z.string().default("cn").describe("Their whole name"),
    idAttribute: z
      .string()
      .default("entryUUID")
      .describe("What names them for ever (`objectGUID` of Active Directory)"),
    groupAttribute: z
      .string()
      .optional()
      .describe(
        "The attribute of a person that lists groups (`memberOf`), instead of a search for groups",
      ),
    groupBase: z.string().optional().describe("Below what groups stand"),
    groupFilter: z
      .string()
      .default("(|(member={dn})(memberUid={name}))")
      .describe("Finds a person's groups by `{dn}` or `{name}`"),
    groupName: z.string().default("cn").describe("What a group is called"),
    timeout: Duration.refine((ms) => ms > 0, "must be longer than 0s")
      .prefault("5s")
      .describe("How long the directory may take for an answer"),
    teams: Teams,
  })
  .describe("Names and passwords of an LDAP directory, wherever a password is asked for");

export const Login = z
  .strictObject({ oidc: Oidc.optional(), ldap: Ldap.optional() })
  .prefault({})
  .describe("Other systems that know who somebody is. docs/access.md tells more");

const Claim = z.union([z.string(), z.array(z.string()).min(1)]);
const Publisher = z
  .strictObject({
    issuer: Issuer.describe("The CI system, as it writes itself in its tokens").meta({
      examples: ["https://gitlab.example.com"],
    }),
    audiences: z
      .array(z.string().min(1))
      .default([])
      .describe(
        "What a token's audience may be. Without it what clients make of `publicUrl` by themselves: its host, and `npm:HOST`",
      )
      .meta({ examples: [["packages.example.com"]] }),
    claims: z
      .record(z.string(), Claim)
      .refine(
        (claims) => Object.keys(claims).length > 0,
        "must name at least one claim: else every project of the issuer could publish",
      )
      .refine(
        ({ sub }) => ![sub].flat().some((text) => text?.includes("*")),
        "`sub` is written in ways that change: name the claims that it is made of, such as project_id",
      )
      .describe(
        "Claims that a token must have, each with exactly this text, or one of these; `*` stands for any text",
      )
      .meta({ examples: [{ project_id: "42", ref_protected: "true" }] }),
    repositories: z.array(z.string()).min(1).describe("In which repositories it may publish"),
    packages: z
      .array(z.string().regex(/^\S+$/, "expected a name pattern without spaces"))
      .min(1)
      .describe("Which packages, by patterns as in `claims` of a repository"),
    may: z
      .array(z.enum(["read", "publish", "unpublish"]))
      .default(["publish"])
      .describe("What a job may"),
    ca: FilePath.optional().describe("PEM file with the issuer's certificate authority"),
  })
  .meta({ id: "Publisher", title: "publisher" });

export const TrustedPublishers = z
  .array(Publisher)
  .default([])
  .describe(
    "CI jobs that may publish without a secret: their identity token is exchanged for one of 15 minutes",
  );
