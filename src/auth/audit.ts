// The audit log: who did what, where from, and with which token. Rows are final (store/migrations/0012-audit.sql).
import type { Audit, AuditAction, AuditEntry } from "../core/audit.ts";
import type { Log } from "../core/log.ts";
import type { Database, Query } from "../store/database.ts";

/** Written at the end of so long: reads come by the hundred. */
const BATCH_MS = 1_000;
/** More that wait, with a disk that takes nothing, are counted and no longer kept. */
const MOST = 10_000;

export interface AuditLog extends Audit {
  /** In the transaction that does what it tells of. */
  write(sql: Query, entry: AuditEntry): Promise<void>;
  /** All that was noted is stored. */
  settled(): Promise<void>;
}

/** A line of the log, as it is read again. */
export interface AuditRow {
  id: number;
  /** Milliseconds since the epoch. */
  at: number;
  action: AuditAction;
  kind: AuditEntry["principal"]["kind"];
  principal: string;
  token: string | null;
  /** What the token is called; null once nothing is known of it any more, as of a CI job's after a while. */
  tokenName: string | null;
  address: string;
  repository: string | null;
  package: string | null;
  purl: string | null;
  digest: string | null;
  detail: Record<string, unknown>;
}

export interface AuditQuestion {
  /** Milliseconds since the epoch. */
  since?: number;
  until?: number;
  /** A user or a job: what it did, and log-ins under its name, or with its tokens, that failed. */
  principal?: string;
  /** By its id or its name. */
  token?: string;
  /** By its name, or by the purl of a release. */
  package?: string;
  action?: string;
  /** Only lines before this one, newest first. */
  before?: number;
  limit: number;
}

export function createAudit(database: Database, log: Log, now: () => number): AuditLog {
  let noted: [at: number, entry: AuditEntry][] = [];
  let lost = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let writing: Promise<void> = Promise.resolve();

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    const batch = noted;
    noted = [];
    if (lost > 0)
      log.write("error", "Lines of the audit log were lost: the disk took none", { lost });
    lost = 0;
    if (batch.length === 0) return writing;
    writing = writing.then(() =>
      database
        .write(async (sql) => {
          for (const [at, entry] of batch) await insert(sql, at, entry);
        })
        .catch((error) => {
          log.write("error", "Lines of the audit log could not be stored", {
            lines: batch.length,
            error: String(error),
          });
        }),
    );
    return writing;
  }

  return {
    write: (sql, entry) => insert(sql, now(), entry),
    note(entry) {
      if (noted.length >= MOST) {
        lost += 1;
        return;
      }
      noted.push([now(), entry]);
      timer ??= setTimeout(() => void flush(), BATCH_MS);
    },
    settled: flush,
  };
}

async function insert(sql: Query, at: number, entry: AuditEntry): Promise<void> {
  const { principal, address, detail = {} } = entry;
  await sql`INSERT INTO audit (at, action, kind, principal, token, address, repository, package, purl, digest, detail)
    VALUES (${at}, ${entry.action}, ${principal.kind}, ${principal.name}, ${principal.token?.id ?? null},
    ${address ?? principal.address}, ${entry.repository ?? null}, ${entry.package ?? null}, ${entry.purl ?? null},
    ${entry.digest ?? null}, ${JSON.stringify(detail)})`;
}

/** Lines of the log, the newest first. */
export async function readAudit(sql: Query, asked: AuditQuestion): Promise<AuditRow[]> {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, before = Number.MAX_SAFE_INTEGER } = asked;
  const [who, what, which] = [asked.principal ?? "", asked.package ?? "", asked.action ?? ""];
  const token = asked.token ?? "";
  // As it stands in the detail of what failed, which names nobody: no name can hold a quote.
  const typed = JSON.stringify({ name: who.toLowerCase() });
  const owned = `%"owner":${likeText(JSON.stringify(who.toLowerCase()))}%`;
  // In the order of its numbers, which no index of times gives: `at + 0`.
  const isPurl = what.startsWith("pkg:");
  const rows = what
    ? isPurl
      ? await sql`SELECT audit.id, at, action, kind, principal, token, tokens.name AS token_name, address, repository, package, purl, digest, detail
        FROM audit LEFT JOIN tokens ON tokens.id = audit.token
        WHERE purl = ${what} AND audit.id < ${before} AND at + 0 >= ${since} AND at + 0 <= ${until}
        AND (${which} = '' OR action = ${which})
        AND (${who} = '' OR principal = ${who} OR (action = 'log in failed' AND (detail = ${typed} OR detail LIKE ${owned} ESCAPE '!')))
        AND (${token} = '' OR token = ${token} OR tokens.name = ${token})
        ORDER BY audit.id DESC LIMIT ${asked.limit}`
      : await sql`SELECT audit.id, at, action, kind, principal, token, tokens.name AS token_name, address, repository, package, purl, digest, detail
        FROM audit LEFT JOIN tokens ON tokens.id = audit.token
        WHERE package = ${what} AND audit.id < ${before} AND at + 0 >= ${since} AND at + 0 <= ${until}
        AND (${which} = '' OR action = ${which})
        AND (${who} = '' OR principal = ${who} OR (action = 'log in failed' AND (detail = ${typed} OR detail LIKE ${owned} ESCAPE '!')))
        AND (${token} = '' OR token = ${token} OR tokens.name = ${token})
        ORDER BY audit.id DESC LIMIT ${asked.limit}`
    : which
      ? await sql`SELECT audit.id, at, action, kind, principal, token, tokens.name AS token_name, address, repository, package, purl, digest, detail
        FROM audit LEFT JOIN tokens ON tokens.id = audit.token
        WHERE action = ${which} AND audit.id < ${before} AND at + 0 >= ${since} AND at + 0 <= ${until}
        AND (${who} = '' OR principal = ${who} OR (action = 'log in failed' AND (detail = ${typed} OR detail LIKE ${owned} ESCAPE '!')))
        AND (${token} = '' OR token = ${token} OR tokens.name = ${token})
        ORDER BY audit.id DESC LIMIT ${asked.limit}`
      : await sql`SELECT audit.id, at, action, kind, principal, token, tokens.name AS token_name, address, repository, package, purl, digest, detail
        FROM audit LEFT JOIN tokens ON tokens.id = audit.token
        WHERE audit.id < ${before} AND at + 0 >= ${since} AND at + 0 <= ${until}
        AND (${who} = '' OR principal = ${who} OR (action = 'log in failed' AND (detail = ${typed} OR detail LIKE ${owned} ESCAPE '!')))
        AND (${token} = '' OR token = ${token} OR tokens.name = ${token})
        ORDER BY audit.id DESC LIMIT ${asked.limit}`;
  return rows.map(({ token_name: tokenName, ...row }) => ({
    ...row,
    tokenName,
    id: Number(row.id),
    at: Number(row.at),
    detail: JSON.parse(row.detail),
  }));
}

/** What a pattern of LIKE takes for itself. */
function likeText(text: string): string {
  return text.replace(/[%_!]/g, (letter) => `!${letter}`);
}
