// Publishing from CI without a secret: a job's identity token for one of ours, of a quarter of an hour.
import type { IssuedToken } from "../../core/accounts.ts";
import type { IssuerFetch, TrustedPublisher } from "../../core/identity.ts";
import { nobody, type Principal } from "../../core/principal.ts";
import { Problem } from "../../core/problem.ts";
import type { AuditLog } from "../audit.ts";
import type { Directory } from "../directory.ts";
import type { Spelling } from "../permissions.ts";
import { forgetTokens, insertToken } from "../tokens.ts";
import { type IssuerKeys, issuerKeys } from "./keys.ts";
import { publisherFor, repositoriesFor } from "./publishers.ts";
import { type JobIdentity, verifyJobToken } from "./verify.ts";

const LIFE_MS = 15 * 60_000;
/** What is told of a job in the audit log: as much as finds it again at its issuer. */
const TOLD = [
  "sub",
  "repository",
  "repository_id",
  "project_path",
  "project_id",
  "ref",
  "environment",
  "workflow_ref",
  "job_workflow_ref",
  "run_id",
  "job_id",
  "pipeline_id",
  "actor",
  "user_login",
];

export interface ExchangeDeps {
  publishers: readonly TrustedPublisher[];
  /** A connection to an issuer of one of them. */
  fetchOf(issuer: string): IssuerFetch;
  directory: Directory;
  audit: AuditLog;
  spelling: Spelling;
  now(): number;
}

/** `repository`: null for any that the publisher is trusted with. Otherwise as `Accounts.exchange`. */
export type Exchange = (
  identityToken: string,
  wanted: { repository: string | null; package: string | null },
  audiences: readonly string[],
  address: string,
) => Promise<IssuedToken>;

export function createExchange(deps: ExchangeDeps): Exchange {
  const { publishers, directory, audit, now } = deps;
  const keys = new Map<string, IssuerKeys>();
  for (const { issuer } of publishers)
    if (!keys.has(issuer)) keys.set(issuer, issuerKeys(issuer, deps.fetchOf(issuer), now));

  return async (identityToken, wanted, audiences, address) => {
    const fail = (error: unknown) => {
      const principal = { ...nobody, address };
      const why = error instanceof Error ? error.message : String(error);
      audit.note({ action: "log in failed", principal, detail: { what: "identity token", why } });
      throw error;
    };
    if (publishers.length === 0)
      throw new Problem("forbidden", "This server trusts no CI to publish (trustedPublishers)", {
        rule: "not-enabled",
      });
    const job = await verifyJobToken(
      identityToken,
      (issuer) => keys.get(issuer) ?? null,
      now(),
    ).catch(fail);
    try {
      return await exchange(job, wanted, audiences, address);
    } catch (error) {
      return fail(error);
    }
  };

  async function exchange(
    job: JobIdentity,
    wanted: { repository: string | null; package: string | null },
    audiences: readonly string[],
    address: string,
  ): Promise<IssuedToken> {
    const isAudience = (publisher: TrustedPublisher, audience: string) =>
      (publisher.audiences.length > 0 ? publisher.audiences : audiences).includes(audience);
    const [first = ""] = repositoriesFor(job, wanted.package, publishers, isAudience);
    const repository = wanted.repository ?? first;
    const spell = deps.spelling(repository);
    const publisher = publisherFor(
      job,
      { repository, package: wanted.package },
      publishers,
      isAudience,
      spell,
    );
    const name = `${new URL(job.issuer).host} ${nameOf(job)}`.slice(0, 200);
    const at = now();
    const by: Principal = { kind: "job", name, token: null, address };
    return directory.addToken(async (sql) => {
      await sql`DELETE FROM used_identity_tokens WHERE expires_at < ${at - LIFE_MS}`;
      await forgetTokens(sql, at - 30 * 86_400_000);
      const used = await sql`INSERT INTO used_identity_tokens (issuer, id, expires_at)
        VALUES (${job.issuer}, ${job.id}, ${job.expiresAt}) ON CONFLICT DO NOTHING RETURNING id`;
      if (used.length === 0)
        throw new Problem("unauthenticated", "The identity token is refused: it was used before", {
          rule: "invalid-reuse-token",
        });
      const token = await insertToken(
        sql,
        { kind: "job", name },
        {
          name: "trusted publishing",
          scope: {
            repositories: wanted.repository === null ? [...publisher.repositories] : [repository],
            packages: [...publisher.packages],
            actions: [...publisher.actions],
          },
          cidrs: [],
          expiresAt: at + LIFE_MS,
        },
        at,
      );
      const { id, scope, expiresAt } = token;
      const claims = Object.fromEntries(
        TOLD.flatMap((one) => (job.claims[one] === undefined ? [] : [[one, job.claims[one]]])),
      );
      const detail = { id, scope, expiresAt, issuer: job.issuer, claims };
      await audit.write(sql, { action: "token", principal: by, detail });
      return token;
    });
  }
}

/** What people call it: the project, and not the person or the branch. */
function nameOf({ claims }: JobIdentity): string {
  const found = ["repository", "project_path", "sub"].map((name) => claims[name]);
  return String(found.find((value) => typeof value === "string" && value !== "") ?? "a job");
}
