// Who was sent the files of which release: noted in memory while requests run, written behind, a row a release, caller and day.
import type { Log } from "../core/log.ts";
import type { Principal } from "../core/principal.ts";
import type { SentRelease } from "../core/reply.ts";
import type { Database, Query } from "../store/database.ts";
import { list, portions, tuples } from "../store/several.ts";

/** Written at the end of so long. */
const BATCH_MS = 2_000;
/** More that wait, with a disk that takes nothing, are counted and no longer kept. */
const MOST = 20_000;
const DAY_MS = 86_400_000;
const AT_ONCE = 2_000;

export interface Fetches {
  /** Never throws, and costs two look-ups in maps. */
  note(caller: Principal, address: string, repository: string, release: SentRelease): void;
  /** The caller named these in an audit. Kept of those of which files were sent to anybody: what else there is, is what callers say. */
  noteLocked(
    caller: Principal,
    address: string,
    repository: string,
    releases: readonly SentRelease[],
  ): void;
  /** How long rows are kept, in milliseconds; 0: none is written. */
  keepFor(ms: number): void;
  /** Removes rows that are too old. */
  tidy(): Promise<void>;
  /** All that was noted is stored. */
  settled(): Promise<void>;
}

/** What somebody was sent of one release on one day. */
export interface FetchRow {
  repository: string;
  package: string;
  version: string;
  /** Tells callers apart. */
  caller: string;
  kind: Principal["kind"];
  /** Empty for who gives no name. */
  principal: string;
  token: string | null;
  tokenName: string | null;
  /** The last one of the day. */
  address: string;
  firstAt: number;
  lastAt: number;
  files: number;
  /** When an audit last named it as one that the caller has. */
  lockedAt: number | null;
}

export function createFetches(database: Database, log: Log, now: () => number): Fetches {
  /** By the reply's own object, which many requests share. */
  let noted = new Map<SentRelease, Map<string, FetchRow>>();
  let locked: FetchRow[] = [];
  let waiting = 0;
  let lost = 0;
  let keptMs = 365 * DAY_MS;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let writing: Promise<void> = Promise.resolve();

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    const rows = together([...noted.values()].flatMap((callers) => [...callers.values()]));
    const named = together(locked);
    noted = new Map();
    locked = [];
    waiting = 0;
    if (lost > 0)
      log.write("error", "Who fetched what was lost: the disk took none of it", { lost });
    lost = 0;
    if (rows.length === 0 && named.length === 0) return writing;
    writing = writing.then(() =>
      database
        .write(async (sql) => {
          await insert(sql, rows);
          await insert(sql, await sentToAnybody(sql, named));
        })
        .catch((error) =>
          log.write("error", "Who fetched what could not be stored", {
            rows: rows.length + named.length,
            error: String(error),
          }),
        ),
    );
    return writing;
  }

  function rowOf(
    caller: Principal,
    address: string,
    repository: string,
    release: SentRelease,
  ): FetchRow {
    const at = now();
    return {
      repository,
      package: release.package,
      version: release.version,
      caller: callerOf(caller, address),
      kind: caller.kind,
      principal: caller.name,
      token: caller.token?.id ?? null,
      tokenName: caller.token?.name ?? null,
      address,
      firstAt: at,
      lastAt: at,
      files: 0,
      lockedAt: null,
    };
  }

  return {
    noteLocked(caller, address, repository, releases) {
      if (keptMs === 0) return;
      for (const release of releases) {
        if (waiting >= MOST) lost += 1;
        else {
          waiting += 1;
          const row = rowOf(caller, address, repository, release);
          locked.push({ ...row, lockedAt: row.lastAt });
        }
      }
      timer ??= setTimeout(() => void flush(), BATCH_MS);
    },
    note(caller, address, repository, release) {
      if (keptMs === 0) return;
      const callers = noted.get(release) ?? new Map<string, FetchRow>();
      if (callers.size === 0) noted.set(release, callers);
      const key = callerOf(caller, address);
      const known = callers.get(key);
      if (known) {
        known.files += 1;
        known.lastAt = now();
        known.address = address;
        return;
      }
      if (waiting >= MOST) {
        lost += 1;
        return;
      }
      waiting += 1;
      callers.set(key, { ...rowOf(caller, address, repository, release), files: 1 });
      timer ??= setTimeout(() => void flush(), BATCH_MS);
    },
    keepFor(ms) {
      keptMs = ms;
    },
    async tidy() {
      const oldest = dayOf(now() - keptMs);
      for (;;) {
        const rows = await database.read`SELECT DISTINCT day FROM fetches WHERE day < ${oldest}
          ORDER BY day LIMIT ${AT_ONCE}`;
        if (rows.length === 0) return;
        await database.write(
          (sql) =>
            sql`DELETE FROM fetches WHERE day IN (${list(rows.map(({ day }) => Number(day)))})`,
        );
      }
    },
    settled: flush,
  };
}

/** Who gives no name is told by where it asks from. */
function callerOf({ kind, name, token }: Principal, address: string): string {
  if (token) return token.id;
  return kind === "anonymous" ? address : name;
}

export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

/** Rows of one key as one: a statement may write each only once. */
function together(rows: readonly FetchRow[]): FetchRow[] {
  const found = new Map<string, FetchRow>();
  for (const row of rows) {
    const { repository, package: name, version, caller } = row;
    const key = [repository, name, version, caller, dayOf(row.firstAt)].join("\0");
    const known = found.get(key);
    if (!known) found.set(key, { ...row });
    else {
      known.files += row.files;
      known.firstAt = Math.min(known.firstAt, row.firstAt);
      known.lockedAt = later(known.lockedAt, row.lockedAt);
      if (row.lastAt >= known.lastAt)
        Object.assign(known, { lastAt: row.lastAt, address: row.address });
    }
  }
  return [...found.values()];
}

/** The later of two times of which either may never have been. */
export function later(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

async function sentToAnybody(sql: Query, rows: readonly FetchRow[]): Promise<FetchRow[]> {
  const found: FetchRow[] = [];
  for (const row of rows) {
    const { repository, package: name, version } = row;
    const sent = await sql`SELECT 1 AS is_sent FROM fetches
      WHERE repository = ${repository} AND package = ${name} AND version = ${version} LIMIT 1`;
    if (sent.length > 0) found.push(row);
  }
  return found;
}

async function insert(sql: Query, rows: readonly FetchRow[]): Promise<void> {
  const values = rows.map((row) => [
    row.repository,
    row.package,
    row.version,
    row.caller,
    dayOf(row.firstAt),
    row.kind,
    row.principal,
    row.token,
    row.tokenName,
    row.address,
    row.firstAt,
    row.lastAt,
    row.files,
    row.lockedAt,
  ]);
  for (const some of portions(values))
    await sql`INSERT INTO fetches (repository, package, version, caller, day, kind, principal, token, token_name,
      address, first_at, last_at, files, locked_at) VALUES ${tuples(some)}
      ON CONFLICT (repository, package, version, caller, day) DO UPDATE SET address = excluded.address,
      last_at = excluded.last_at, files = fetches.files + excluded.files,
      locked_at = coalesce(excluded.locked_at, fetches.locked_at)`;
}

/** Of one package, by version, caller and day. */
export async function readFetches(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<FetchRow[]> {
  const rows =
    await sql`SELECT * FROM fetches WHERE repository = ${repository} AND package = ${packageName}
    ORDER BY version, caller, day`;
  return rows.map(fetchOf);
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
export function fetchOf(row: any): FetchRow {
  return {
    repository: row.repository,
    package: row.package,
    version: row.version,
    caller: row.caller,
    kind: row.kind,
    principal: row.principal,
    token: row.token,
    tokenName: row.token_name,
    address: row.address,
    firstAt: Number(row.first_at),
    lastAt: Number(row.last_at),
    files: Number(row.files),
    lockedAt: row.locked_at === null ? null : Number(row.locked_at),
  };
}
