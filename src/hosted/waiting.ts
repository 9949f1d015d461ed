// What somebody sent and what waits for more to come before it is anything: on the disk, named by its sender, for a while.
import type { Upload } from "../core/hosting.ts";
import type { Incoming } from "../store/blobs.ts";
import type { Query } from "../store/database.ts";
import { openRandom } from "../store/sink.ts";
import type { HostedDeps } from "./deps.ts";

export interface Waiting {
  /** When it resolves the bytes are on the disk, in place of those that the account kept under this name, and they count in its quota by their row. */
  keep(account: string, name: string, upload: Upload, incoming: Incoming): Promise<void>;
  /** What of an account waits, by name. Each is let go of by its `discard`. */
  list(account: string): Promise<Map<string, Upload>>;
  /** Lets go of what came at `until` or before, whosever it is. Returns how many those were. */
  expire(until: number): Promise<number>;
}

const DURABLE = { durable: true };
/** Let go of in one transaction. */
const BATCH = 500;

export function createWaiting(deps: HostedDeps, repository: string): Waiting {
  const { database, blobs, naming, now } = deps;

  async function keep(
    account: string,
    name: string,
    { sha256, size, digests }: Upload,
    incoming: Incoming,
  ): Promise<void> {
    const letGo = await naming.hold(sha256);
    const before = await (async () => {
      try {
        await incoming.commit(sha256, DURABLE);
        return await database.write(async (sql) => {
          await letGo.assure(sql);
          const told = JSON.stringify(digests);
          return put(sql, repository, account, name, sha256, size, told, now());
        }, DURABLE);
      } finally {
        letGo();
      }
    })();
    if (before !== null && before !== sha256) await naming.remove(before);
  }

  async function discard(account: string, name: string, sha256: string): Promise<void> {
    // Another one may have come under the name meanwhile.
    await database.write(
      (
        sql,
      ) => sql`DELETE FROM hosted_waiting WHERE repository = ${repository} AND account = ${account}
        AND file = ${name} AND sha256 = ${sha256}`,
    );
    await naming.remove(sha256);
  }

  return {
    keep,
    async list(account) {
      const rows =
        await database.read`SELECT file, sha256, size, digests FROM hosted_waiting WHERE repository = ${repository}
        AND account = ${account}`;
      const found = new Map<string, Upload>();
      for (const { file, sha256, size, digests } of rows) {
        const path = await blobs.local(sha256);
        // Bytes that were lost are as if they had never come.
        if (path === null) continue;
        found.set(file, {
          sha256,
          size: Number(size),
          digests: JSON.parse(digests),
          open: () => openRandom(path),
          discard: () => discard(account, file, sha256),
        });
      }
      return found;
    },
    async expire(until) {
      let count = 0;
      for (;;) {
        const rows = await database.write((sql) => takeOld(sql, repository, until));
        for (const { sha256 } of rows) await naming.remove(sha256);
        count += rows.length;
        if (rows.length < BATCH) return count;
      }
    },
  };
}

/** Returns the digest of what stood there. */
async function put(
  sql: Query,
  repository: string,
  account: string,
  file: string,
  sha256: string,
  size: number,
  digests: string,
  at: number,
): Promise<string | null> {
  const [before] = await sql`SELECT sha256 FROM hosted_waiting WHERE repository = ${repository}
    AND account = ${account} AND file = ${file}`;
  await sql`INSERT INTO hosted_waiting (repository, account, file, sha256, size, digests, received_at)
    VALUES (${repository}, ${account}, ${file}, ${sha256}, ${size}, ${digests}, ${at})
    ON CONFLICT (repository, account, file) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
    digests = excluded.digests, received_at = excluded.received_at`;
  return before?.sha256 ?? null;
}

async function takeOld(
  sql: Query,
  repository: string,
  until: number,
): Promise<{ sha256: string }[]> {
  const rows =
    await sql`SELECT account, file, sha256 FROM hosted_waiting WHERE repository = ${repository}
    AND received_at <= ${until} ORDER BY received_at LIMIT ${BATCH}`;
  for (const { account, file } of rows)
    await sql`DELETE FROM hosted_waiting WHERE repository = ${repository} AND account = ${account} AND file = ${file}`;
  return rows;
}

/** Bytes of the repository that wait, and of one account in it. */
export async function readWaiting(
  sql: Query,
  repository: string,
  account: string,
): Promise<{ all: number; own: number }> {
  const rows =
    await sql`SELECT account, sum(size) AS bytes FROM hosted_waiting WHERE repository = ${repository} GROUP BY account`;
  const waiting = { all: 0, own: 0 };
  for (const row of rows) {
    waiting.all += Number(row.bytes);
    if (row.account === account) waiting.own = Number(row.bytes);
  }
  return waiting;
}
