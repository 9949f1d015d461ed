// How much is stored of what was published: what quotas are held against.
import type { Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";
import type { Query } from "../store/database.ts";

export interface Quotas {
  /** Bytes of all that is published in the repository and of what is said of it, with its trash; null for no bound. */
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

/** What the JSON of a row takes of a quota. */
export function metadataBytes(metadata: unknown): number {
  return Buffer.byteLength(JSON.stringify(metadata ?? null));
}

/** Counts what comes to an account. Throws Problem("full") when that is more than quotas allow; what goes (negative) is always counted. */
export async function takeRoom(
  sql: Query,
  { repository, ...quotas }: Quotas & { repository: string },
  account: string,
  files: number,
  bytes: number,
): Promise<void> {
  if (bytes > 0) {
    const { bytes: room, rule } = roomOf(quotas, await readUsage(sql, repository, account));
    if (bytes > room) throw overQuota(repository, quotas, rule);
  }
  await countUsage(sql, repository, account, files, bytes);
}

/** Of what is kept of a package beside its releases: it counts in nobody's quota, since many change it. */
const STATE = 1024 * 1024;

/** Throws Problem("full") for a package's own state that grows beyond its bound. */
export function boundState(
  name: string,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): void {
  if (after === before) return;
  const bytes = metadataBytes(after);
  if (bytes <= STATE || bytes <= metadataBytes(before)) return;
  throw new Problem(
    "full",
    `What is kept of ${name} beside its versions (tags, owners) may take ${humanSize(STATE)}, and this would be more: take tags away that nobody needs`,
  );
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
