// Numbers of the store, the process and the formats' own, read at each scrape of the metrics.

import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Gauge } from "../core/operation.ts";
import type { Repository } from "../core/repository.ts";
import type { Database } from "../store/database.ts";

type Series = [Record<string, string>, number][];

/** `freeBytes`: on the disk of the data directory. */
export function watchStore(
  metrics: Metrics,
  database: Database,
  freeBytes: () => Promise<number>,
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
    async () => [[{}, await freeBytes()]],
  );
  metrics.gauge("holdfast_memory_bytes", "Resident memory of the process.", () => {
    const bytes = residentMemory();
    return bytes === null ? [] : [[{}, bytes]];
  });
}

/** Null when it cannot be read: without file handles the rest of the page is all the more worth seeing. */
function residentMemory(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    return null;
  }
}

/** What formats show of their repositories (`Service.gauges`), by the label `repository` beside their own. */
export function watchFormats(
  metrics: Metrics,
  all: readonly { service: { gauges?: readonly Gauge[] }; repository: Repository }[],
  log: Log,
): void {
  const families = new Map<string, { help: string; readers: (() => Promise<Series>)[] }>();
  for (const { service, repository } of all)
    for (const { name, help, read } of service.gauges ?? []) {
      const family = families.get(name) ?? { help, readers: [] };
      families.set(name, family);
      family.readers.push(() =>
        read(repository).then(
          (series) =>
            series.map(([labels, value]) => [{ repository: repository.name, ...labels }, value]),
          (error) => {
            // One that cannot be read must not take the others from who watches.
            const { name: of } = repository;
            log.write("error", `${name} cannot be read`, { repository: of, error: String(error) });
            return [];
          },
        ),
      );
    }
  for (const [name, { help, readers }] of families)
    metrics.gauge(name, help, async () =>
      (await Promise.all(readers.map((read) => read()))).flat(),
    );
}
