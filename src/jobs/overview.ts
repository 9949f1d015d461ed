// What `/` shows of a running server: figures of the store, of the requests since the start, and the newest of what came and happened.
import type { Grant } from "../core/grant.ts";
import type { Metrics } from "../core/metrics.ts";
import type { NewestFile, Overview, RepositoryState } from "../core/overview.ts";
import { listEvents } from "../ledger/events.ts";
import type { ReadDatabase } from "../store/database.ts";

/** Shown of each kind, and how many are looked through for those that the caller may see. */
const SHOWN = 5;
const LOOKED_THROUGH = 100;

/** An upstream, and whether it can be reached. */
export interface SeenUpstream {
  host: string;
  isAway: boolean;
  /** Why it was away last; empty while it never was. */
  reason: string;
  /** How often it answered since the start. */
  answers: number;
  health?: UpstreamHealth;
}

/** How an upstream fares. Times are milliseconds since the epoch; null for never, since the start. */
export interface UpstreamHealth {
  state: "closed" | "half-open" | "open";
  answeredAt: number | null;
  failure: { at: number; why: string } | null;
  awaySince: number | null;
  /** Seconds, until the headers came. */
  latency: { p50: number; p95: number; answers: number } | null;
}

export interface OverviewSource {
  name: string;
  offline: boolean;
  isHostedOnly: boolean;
  upstreams(): SeenUpstream[];
}

/** Requests since the start, by repository: they are counted on while configurations change. */
export interface Tally {
  readonly startedAt: number;
  read(): Promise<ReadonlyMap<string, { requests: number; hits: number }>>;
}

export interface Overviews {
  /** Of packages only what the caller may read; of one repository, or of all. */
  read(grant: Grant, repository?: string): Promise<Overview>;
}

/** Answered from what is stored, as `holdfast_requests_total` says it. */
const HITS: ReadonlySet<string | undefined> = new Set(["hit", "stale"]);

export function createTally(metrics: Pick<Metrics, "read">, now: () => number): Tally {
  return {
    startedAt: now(),
    async read() {
      const counts = new Map<string, { requests: number; hits: number }>();
      for (const { labels, value } of await metrics.read("holdfast_requests_total")) {
        const { repository = "", cache } = labels;
        const { requests, hits } = counts.get(repository) ?? { requests: 0, hits: 0 };
        counts.set(repository, {
          requests: requests + value,
          hits: hits + (HITS.has(cache) ? value : 0),
        });
      }
      return counts;
    },
  };
}

export function createOverviews(
  sources: readonly OverviewSource[],
  tally: Tally,
  database: ReadDatabase,
  now: () => number,
): Overviews {
  async function states(): Promise<Map<string, RepositoryState>> {
    const rows = await database.read`SELECT repository, files, bytes FROM totals`;
    const totals = new Map(rows.map((row: Record<string, unknown>) => [row["repository"], row]));
    const counts = await tally.read();
    return new Map(
      sources.map(({ name, offline, isHostedOnly, upstreams }) => {
        const { files = 0, bytes = 0 } = (totals.get(name) ?? {}) as Record<string, unknown>;
        const away = upstreams().flatMap(({ host, isAway }) => (isAway ? [host] : []));
        const { requests, hits } = counts.get(name) ?? { requests: 0, hits: 0 };
        return [
          name,
          {
            files: Number(files),
            bytes: Number(bytes),
            requests,
            hits,
            offline,
            isHostedOnly,
            away,
          },
        ];
      }),
    );
  }

  /** What is no package, an index of packages say, has a name that tells people nothing. */
  async function newestOf(name: string): Promise<NewestFile[]> {
    const rows = await database.read`SELECT repository, package, version, file, size, fetched_at
      FROM artifacts WHERE repository = ${name} AND purl NOT LIKE 'pkg:generic/%' ORDER BY fetched_at DESC LIMIT ${LOOKED_THROUGH}`;
    return rows.map((row: Record<string, unknown>) => ({
      repository: String(row["repository"]),
      package: String(row["package"]),
      version: String(row["version"]),
      file: String(row["file"]),
      size: Number(row["size"]),
      at: Number(row["fetched_at"]),
    }));
  }

  return {
    async read(grant, repository) {
      const isTheirs = (one: { repository: string; package: string }) =>
        grant.may(one.repository, "read", one.package);
      const names = repository === undefined ? sources.map(({ name }) => name) : [repository];
      const newest = (await Promise.all(names.map(newestOf))).flat();
      const events = await listEvents(database.read, {
        limit: LOOKED_THROUGH,
        ...(repository !== undefined && { repository }),
      });
      return {
        startedAt: tally.startedAt,
        now: now(),
        repositories: await states(),
        newest: newest
          .filter(isTheirs)
          .sort((a, b) => b.at - a.at)
          .slice(0, SHOWN),
        events: events.reverse().filter(isTheirs).slice(0, SHOWN),
      };
    },
  };
}
