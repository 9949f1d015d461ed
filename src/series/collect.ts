// What has come since the last look, by series.
import type { Labels, Metrics, Reading } from "../core/metrics.ts";
import { meaningOf, type SeriesName } from "../core/series.ts";
import { type Amount, beside, joined, origins, since } from "./origins.ts";

export interface Added extends Amount {
  name: SeriesName;
  labels: Labels;
}

export interface Collector {
  /** What has come since `written` was called last, by the key of each series. Looks now. */
  collect(): Promise<ReadonlyMap<string, Added>>;
  /** What was collected is stored: it is forgotten here. */
  written(): void;
}

/** The same for the same name and labels, whatever their order. */
export function keyOf(name: string, labels: Labels): string {
  return `${name} ${labelsText(labels)}`;
}

export function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(pairs));
}

export function createCollector(metrics: Pick<Metrics, "read">): Collector {
  /** By the origin, and the key of the metrics' series. */
  const before = new Map<string, Reading>();
  let waiting = new Map<string, Added>();

  /** Of this look alone. */
  async function look(): Promise<Map<string, Added>> {
    const now = new Map<string, Added>();
    const readings = new Map<string, readonly Reading[]>();
    for (const { metric } of origins)
      if (!readings.has(metric)) readings.set(metric, await metrics.read(metric));
    for (const { name, metric, labels: chosen, isCountOnly = false } of origins)
      for (const reading of readings.get(metric)!) {
        const labels = chosen(reading.labels);
        const amount = labels && amountOf(name, reading, isCountOnly);
        if (!amount) continue;
        const key = keyOf(name, labels);
        const known = now.get(key);
        now.set(key, { name, labels, ...(known ? beside(known, amount) : amount) });
      }
    for (const all of readings.values()) for (const { histogram } of all) histogram?.restart();
    return now;
  }

  function amountOf(name: SeriesName, reading: Reading, isCountOnly: boolean): Amount | null {
    const { value } = reading;
    if (meaningOf(name).kind === "gauge")
      return { sum: value, count: 1, max: value, buckets: null };
    const key = keyOf(name, reading.labels);
    const amount = since(before.get(key), reading, isCountOnly);
    // The metrics' own object goes on counting.
    if (amount) before.set(key, { ...reading });
    return amount;
  }

  return {
    async collect() {
      for (const [key, added] of await look()) {
        const known = waiting.get(key);
        waiting.set(key, known ? { ...added, ...joined(known, added) } : added);
      }
      return waiting;
    },
    written() {
      waiting = new Map();
    },
  };
}
