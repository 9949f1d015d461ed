// How much is stored of what was published: what quotas are held against.
import type { Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";
import type { Query } from "../store/database.ts";

export interface Quotas {
  /** Bytes of all that is published in the repository, with its trash; null for no bound. */
  quota: number | null;
  /** The same of one account. */
  quotaPerUser: number | null;
  /** Bytes of one file. */
  fileLimit: number;
}

/** Whose quota it is: the same for all tokens of a user. */
export function accountOf({ kind, name }: Principal): string {
  return `${kind}:${name}`;
}

export interface Usage {
  all: number;
  own: number;
}

/** Bytes of the repository, and of one account in it. */
export async function readUsage(sql: Query, repository: string, account: string): Promise<Usage> {
  const rows = await sql`SELECT account, bytes FROM hosted_usage WHERE repository = ${repository}`;
  const usage = { all: 0, own: 0 };
  for (const row of rows) {
    usage.all += Number(row.bytes);
    if (row.account === account) usage.own = Number(row.bytes);
  }
  return usage;
}

/** Counts files that came, or went (negative). */
export async function countUsage(
  sql: Query,
  repository: string,
  account: string,
  files: number,
  bytes: number,
): Promise<void> {
  await sql`INSERT INTO hosted_usage (repository, account, files, bytes) VALUES (${repository}, ${account}, ${files}, ${bytes})
    ON CONFLICT (repository, account) DO UPDATE SET files = hosted_usage.files + excluded.files, bytes = hosted_usage.bytes + excluded.bytes`;
}

/** How many bytes more there may be: the smaller of both quotas, and which that is. */
export function roomOf(
  { quota, quotaPerUser }: Quotas,
  usage: Usage,
): { bytes: number; rule: "quota" | "quotaPerUser" } {
  const all = quota === null ? Number.POSITIVE_INFINITY : quota - usage.all;
  const own = quotaPerUser === null ? Number.POSITIVE_INFINITY : quotaPerUser - usage.own;
  return own < all ? { bytes: own, rule: "quotaPerUser" } : { bytes: all, rule: "quota" };
}

export function overQuota(
  repository: string,
  quotas: Quotas,
  rule: "quota" | "quotaPerUser",
): Problem {
  const bound = humanSize(quotas[rule]!);
  const whose =
    rule === "quota" ? `The repository ${repository}` : `What you published in ${repository}`;
  return new Problem(
    "full",
    `${whose} may take ${bound} (hosted: ${rule}), and this would be more`,
    {
      rule: `hosted.${rule}`,
    },
  );
}
