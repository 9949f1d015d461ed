// Numbers of the store, the process and the formats' own, read at each scrape of the metrics.

import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Gauge } from "../core/operation.ts";
import type { Repository } from "../core/repository.ts";
import { countQueue } from "../ledger/log/state.ts";
import type { Database } from "../store/database.ts";

type Series = [Record<string, string>, number][];

/** `disk`: the bytes of the disk of the data directory. */
export function watchStore(
  metrics: Metrics,
  database: Pick<Database, "read">,
  disk: () => Promise<{ free: number; total: number }>,
): void {
  const totals = async (column: "files" | "bytes"): Promise<Series> => {
    const rows = await database.read`SELECT repository, files, bytes FROM totals`;
    return rows.map((row: Record<string, string>) => [
      { repository: row["repository"]! },
      Number(row[column]),
    ]);
  };
  metrics.gauge("holdfast_stored_files", "Stored artifacts by repository.", () => totals("files"));
  metrics.gauge("holdfast_stored_bytes", "Bytes of stored artifacts by repository.", () =>
    totals("bytes"),
  );
  metrics.gauge(
    "holdfast_disk_free_bytes",
    "Free bytes on the disk of the data directory.",
    async () => [[{}, (await disk()).free]],
  );
  metrics.gauge(
    "holdfast_disk_used_bytes",
    "Used bytes on the disk of the data directory, whatever uses them.",
    async () => {
      const { free, total } = await disk();
      return [[{}, total - free]];
    },
  );
  metrics.gauge(
    "holdfast_withheld_releases",
    "Releases that clients asked about and policy withholds now, by repository and verdict.",
    async () => {
      const rows = await database.read`SELECT repository, verdict, count(*) AS releases
        FROM withheld_told GROUP BY repository, verdict`;
      return rows.map(({ repository, verdict, releases }): Series[number] => [
        { repository, verdict },
        Number(releases),
      ]);
    },
  );
  metrics.gauge(
    "holdfast_memory_bytes",
    "Resident memory of the process, or of all of them.",
    () => {
      const bytes = residentMemory();
      return bytes === null ? [] : [[{}, bytes]];
    },
    { addsUp: true },
  );
}

/** How far the append-only log goes, since when, and how many rows are no leaves yet. */
export function watchLog(
  metrics: Metrics,
  database: Pick<Database, "read">,
  log: { size(): number; signedAt(): Promise<number | null> },
  now: () => number,
): void {
  metrics.gauge("holdfast_log_leaves", "Leaves of the append-only log.", () => [[{}, log.size()]]);
  metrics.gauge(
    "holdfast_log_waiting_rows",
    "Rows of the catalog that are no leaves of the append-only log yet.",
    async () => [[{}, await countQueue(database.read)]],
  );
  metrics.gauge(
    "holdfast_log_checkpoint_age_seconds",
    "Since the newest checkpoint of the append-only log was signed: it grows while nothing is to be logged, too.",
    async () => {
      const at = await log.signedAt();
      return at === null ? [] : [[{}, Math.max(0, now() - at) / 1000]];
    },
  );
}

/** Null when it cannot be read: without file handles the rest of the page is all the more worth seeing. */
function residentMemory(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    return null;
  }
}

/**
 * What formats show of their repositories (`Service.gauges`), by the label `repository` beside their own. `all` is asked at each
 * scrape; what this returns is called when it has changed, for names that are new.
 */
export function watchFormats(
  metrics: Metrics,
  all: () => readonly { service: { gauges?: readonly Gauge[] }; repository: Repository }[],
  log: Log,
): () => void {
  const watched = new Set<string>();
  async function seriesOf(name: string): Promise<Series> {
    const readers = all().flatMap(({ service, repository }) =>
      (service.gauges ?? [])
        .filter((gauge) => gauge.name === name)
        .map((gauge) => readGauge(gauge, repository, log)),
    );
    return (await Promise.all(readers)).flat();
  }
  return () => {
    for (const { name, help } of all().flatMap(({ service }) => service.gauges ?? [])) {
      if (watched.has(name)) continue;
      watched.add(name);
      metrics.gauge(name, help, () => seriesOf(name));
    }
  };
}

async function readGauge(gauge: Gauge, repository: Repository, log: Log): Promise<Series> {
  const { name } = repository;
  try {
    const series = await gauge.read(repository);
    return series.map(([labels, value]) => [{ repository: name, ...labels }, value]);
  } catch (error) {
    // One that cannot be read must not take the others from who watches.
    log.write("error", `${gauge.name} cannot be read`, { repository: name, error: String(error) });
    return [];
  }
}
