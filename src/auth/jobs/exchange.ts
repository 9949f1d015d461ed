// A CI job's identity token for one of ours: proven, covered by a trusted publisher, taken once, and worth a quarter of an hour.
import { createHash } from "node:crypto";
import type { IssuedToken } from "../../core/accounts.ts";
import type { IssuerFetch, TrustedPublisher } from "../../core/identity.ts";
import type { Principal } from "../../core/principal.ts";
import { Problem } from "../../core/problem.ts";
import type { Query } from "../../store/database.ts";
import type { AuditLog } from "../audit.ts";
import type { Directory } from "../directory.ts";
import type { Spelling } from "../permissions.ts";
import { forgetTokens, insertToken } from "../tokens.ts";
import { type IssuerKeys, issuerKeys, type KeyMemory } from "./keys.ts";
import { type Found, publisherFor, type Wanted } from "./publishers.ts";
import { type JobIdentity, verifyJobToken } from "./verify.ts";

const LIFE_MS = 15 * 60_000;
/** Rows of tokens that are over stay as long, so that who sends one is told why it is refused. */
const KEPT_MS = 24 * 60 * 60_000;
const LEEWAY_MS = 60_000;

export interface ExchangeDeps {
  publishers: readonly TrustedPublisher[];
  /** The connection to an issuer of one of them. */
  fetchOf(issuer: string): IssuerFetch;
  /** Where its keys are kept. */
  memoryOf(issuer: string): KeyMemory;
  directory: Directory;
  audit: AuditLog;
  spelling: Spelling;
  now(): number;
}

/** As `Accounts.exchange`, also for clients that do not say which repository they mean. */
export type Exchange = (
  identityToken: string,
  wanted: Wanted,
  address: string,
) => Promise<IssuedToken>;

export function createExchange(deps: ExchangeDeps): Exchange {
  const { publishers, directory, audit, now } = deps;
  const keys = new Map<string, IssuerKeys>();
  for (const { issuer } of publishers)
    if (!keys.has(issuer))
      keys.set(issuer, issuerKeys(issuer, deps.fetchOf(issuer), deps.memoryOf(issuer), now));

  return async (identityToken, wanted, address) => {
    if (publishers.length === 0)
      throw new Problem("forbidden", "This server trusts no CI to publish (trustedPublishers)", {
        rule: "not-enabled",
      });
    try {
      const job = await verifyJobToken(identityToken, (iss) => keys.get(iss) ?? null, now());
      const spelled = spell(wanted, deps.spelling);
      const found = publisherFor(job, spelled, publishers, deps.spelling);
      return await issue(job, found, spelled.package, address);
    } catch (error) {
      if (
        error instanceof Problem &&
        (error.kind === "forbidden" || error.kind === "unauthenticated")
      )
        audit.note({
          action: "log in failed",
          principal: { kind: "anonymous", name: "", token: null, address },
          detail: { what: "identity token", why: error.message, ...wanted },
        });
      throw error;
    }
  };

  function issue(
    job: JobIdentity,
    { publisher, repositories }: Found,
    packageName: string | null,
    address: string,
  ): Promise<IssuedToken> {
    const name = nameOf(job);
    const at = now();
    const wish = {
      name: `of a run of ${name}`.slice(0, 100),
      scope: {
        repositories,
        packages: packageName === null ? [...publisher.packages] : [packageName],
        actions: [...publisher.actions],
      },
      cidrs: [],
      expiresAt: at + LIFE_MS,
    };
    const principal: Principal = { kind: "job", name, token: null, address };
    return directory.addToken(async (sql) => {
      await takeOnce(sql, job, packageName ?? "", at);
      await forgetTokens(sql, at - KEPT_MS);
      const token = await insertToken(sql, { kind: "job", name }, wish, at);
      const { id, scope, expiresAt } = token;
      const detail = { id, scope, expiresAt, claims: told(job.claims) };
      await audit.write(sql, { action: "token", principal, detail });
      return token;
    });
  }
}

/**
 * Once; and once for each package that is named, as a CI system may give a run one token for all that it publishes (GitLab). Whoever else
 * gets hold of it cannot have again what was had.
 */
async function takeOnce(
  sql: Query,
  { issuer, id: told, expiresAt }: JobIdentity,
  packageName: string,
  now: number,
): Promise<void> {
  // What a token calls itself may be as long as the token is.
  const id = createHash("sha256").update(told).digest("hex");
  await sql`DELETE FROM used_identity_tokens WHERE expires_at < ${now}`;
  const used = await sql`SELECT package FROM used_identity_tokens
    WHERE issuer = ${issuer} AND id = ${id} AND (package = ${packageName} OR package = '' OR ${packageName} = '')`;
  if (used.length > 0)
    throw new Problem("unauthenticated", "The identity token is refused: it was used before", {
      rule: "invalid-reuse-token",
    });
  await sql`INSERT INTO used_identity_tokens (issuer, id, package, expires_at)
    VALUES (${issuer}, ${id}, ${packageName}, ${expiresAt + 2 * LEEWAY_MS})`;
}

function spell({ repositories, package: name }: Wanted, spelling: Spelling): Wanted {
  if (name === null) return { repositories, package: null };
  if (name === "" || name.length > 300 || /[*\s]/.test(name))
    throw new Problem("badRequest", "This is no name of a package", { rule: "invalid-payload" });
  const [repository] = repositories;
  const spelled = (repository && spelling(repository)?.(name)) ?? name;
  return { repositories, package: spelled };
}

/** For people: where it runs, and whose it is there. */
function nameOf({ issuer, claims }: JobIdentity): string {
  const whose = ["repository", "project_path", "sub"]
    .map((name) => claims[name])
    .find((value) => typeof value === "string" && value !== "");
  const text = `${new URL(issuer).host} ${whose ?? "a job"}`;
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}

/** What of the claims goes to the audit log: single values, and not for ever many. */
function told(claims: JobIdentity["claims"]): Record<string, unknown> {
  const single = Object.entries(claims).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value),
  );
  return Object.fromEntries(
    single
      .slice(0, 60)
      .map(([name, value]) => [name, typeof value === "string" ? value.slice(0, 300) : value]),
  );
}
