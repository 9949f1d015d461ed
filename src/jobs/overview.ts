// What `/` shows of a running server: figures of the store, of the requests since the start, and the newest of what came and happened.
import type { Grant } from "../core/grant.ts";
import type { NewestFile, Overview, RepositoryState } from "../core/overview.ts";
import type { CacheStatus } from "../core/reply.ts";
import { listEvents } from "../ledger/events.ts";
import type { ReadDatabase } from "../store/database.ts";

/** Shown of each kind, and how many are looked through for those that the caller may see. */
const SHOWN = 5;
const LOOKED_THROUGH = 100;

export interface OverviewSource {
  name: string;
  offline: boolean;
  /** Its upstreams, each with whether it can be reached. */
  upstreams(): { host: string; isAway: boolean }[];
}

export interface Overviews {
  /** Counts a request, on the path of each. */
  count(exchange: { repository: string | null; cache: CacheStatus | null }): void;
  /** Of packages only what the caller may read; of one repository, or of all. */
  read(grant: Grant, repository?: string): Promise<Overview>;
}

export function createOverviews(
  sources: readonly OverviewSource[],
  database: ReadDatabase,
  now: () => number,
): Overviews {
  const startedAt = now();
  const counts = new Map(sources.map(({ name }) => [name, { requests: 0, hits: 0 }]));

  async function states(): Promise<Map<string, RepositoryState>> {
    const rows = await database.read`SELECT repository, files, bytes FROM totals`;
    const totals = new Map(rows.map((row: Record<string, unknown>) => [row["repository"], row]));
    return new Map(
      sources.map(({ name, offline, upstreams }) => {
        const { files = 0, bytes = 0 } = (totals.get(name) ?? {}) as Record<string, unknown>;
        const away = upstreams().flatMap(({ host, isAway }) => (isAway ? [host] : []));
        const { requests, hits } = counts.get(name)!;
        return [
          name,
          { files: Number(files), bytes: Number(bytes), requests, hits, offline, away },
        ];
      }),
    );
  }

  async function newestOf(name: string): Promise<NewestFile[]> {
    const rows = await database.read`SELECT repository, package, version, file, size, fetched_at
      FROM artifacts WHERE repository = ${name} ORDER BY fetched_at DESC LIMIT ${LOOKED_THROUGH}`;
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
    count({ repository, cache }) {
      const count = repository === null ? undefined : counts.get(repository);
      if (!count) return;
      count.requests += 1;
      if (cache?.hit || cache?.detail) count.hits += 1;
    },
    async read(grant, repository) {
      const isTheirs = (one: { repository: string; package: string }) =>
        grant.may(one.repository, "read", one.package);
      const names = repository === undefined ? [...counts.keys()] : [repository];
      const newest = (await Promise.all(names.map(newestOf))).flat();
      const events = await listEvents(database.read, {
        limit: LOOKED_THROUGH,
        ...(repository !== undefined && { repository }),
      });
      return {
        startedAt,
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
