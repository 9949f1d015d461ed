// Numbers over time: counted in memory by the metrics, written every ten seconds, kept in three lengths of step, read by pages, API and commands.
import type { Metrics } from "../core/metrics.ts";
import type { Forecast, ReadSeries } from "../core/series.ts";
import type { Database, ReadDatabase } from "../store/database.ts";
import { createCollector } from "./collect.ts";
import { FORECAST_MS, forecast } from "./forecast.ts";
import { readSeries } from "./read.ts";
import { prune, writeAdded } from "./write.ts";

/** How often `flush` is to be called. A crash loses what came since. */
export const FLUSH_MS = 10_000;
/** How often what is too old is removed. */
const PRUNE_MS = 60 * 60_000;
/** For so long the clock must have gone as it should before anything is removed by it: one that jumps ahead takes no history with it. */
const TRUSTED_MS = 60 * 60_000;
const JUMP_MS = 60_000;

export interface SeriesRoom {
  /** Writes what came since the last time. What cannot be written waits for the next time, and the reason is thrown. */
  flush(): Promise<void>;
  read: ReadSeries;
  forecast(): Promise<Forecast>;
}

export interface SeriesDeps {
  database: Database;
  metrics: Pick<Metrics, "read">;
  /** Bytes of the disk of the data directory. */
  disk(): Promise<{ free: number }>;
  /** Milliseconds since the epoch, and milliseconds that only grow. */
  now(): number;
  elapsed(): number;
}

export function createSeries({ database, metrics, disk, now, elapsed }: SeriesDeps): SeriesRoom {
  const collector = createCollector(metrics);
  const mayPrune = createTrust(now, elapsed);
  let prunedAt = Number.NEGATIVE_INFINITY;
  let flushing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const at = now();
    const added = await collector.collect();
    const isToBePruned = mayPrune() && elapsed() - prunedAt >= PRUNE_MS;
    await database.write(async (sql) => {
      await writeAdded(sql, added.values(), at);
      if (isToBePruned) await prune(sql, at);
    });
    collector.written();
    if (isToBePruned) prunedAt = elapsed();
  }

  return {
    flush() {
      const done = flushing.then(write);
      flushing = done.catch(() => {});
      return done;
    },
    read: (query) => readSeries(database.read, query, now()),
    forecast: async () => readForecast(database, (await disk()).free, now()),
  };
}

/** Whether the clock can be believed: it went as time does for an hour. */
function createTrust(now: () => number, elapsed: () => number): () => boolean {
  let offset = now() - elapsed();
  let since = elapsed();
  return () => {
    const current = now() - elapsed();
    if (Math.abs(current - offset) > JUMP_MS) since = elapsed();
    offset = current;
    return elapsed() - since >= TRUSTED_MS;
  };
}

/** Works beside a server that writes. `free`: bytes of the disk, now. */
export async function readForecast(
  { read }: Pick<ReadDatabase, "read">,
  free: number,
  now: number,
): Promise<Forecast> {
  const { from, step, series } = await readSeries(
    read,
    { names: ["disk-used"], from: now - FORECAST_MS, to: now, step: 86_400_000 },
    now,
  );
  const days = (series[0]?.points ?? []).flatMap((point, nth) => {
    const at = from + nth * step;
    return point && at + step <= now ? [{ at, used: point.sum / point.count }] : [];
  });
  return forecast(days, free, now);
}
