// What a server was asked for and what that took, by repository: the figures of pages, API and commands, reckoned in one place. Pure.
import type { Series, SeriesAnswer, SeriesName } from "./series.ts";
import { overall, quantile } from "./series-reading.ts";

/** The series that `trafficOf` takes. */
export const trafficSeries: readonly SeriesName[] = ["requests", "sent", "fetched", "latency"];

export interface Traffic {
  /** "-": of no repository, as pages and the API. */
  repository: string;
  /** All of them. */
  requests: number;
  /** Answered from what is stored, without an upstream: a whole answer, fresh or stale. */
  hits: number;
  /** For which an upstream was asked first, whatever it said. */
  misses: number;
  /** Answered 304: the client had it already. Neither a hit nor a miss. */
  notModified: number;
  refused: number;
  /** Nothing was stored, and no upstream could be asked. */
  unavailable: number;
  /** For a fault of the server. */
  failed: number;
  /** Bytes of bodies: sent to clients, of these out of the store, and fetched from upstreams by whoever asked. */
  sentBytes: number;
  storedBytes: number;
  fetchedBytes: number;
  /** `sentBytes` less `fetchedBytes`: what need not be fetched thanks to this server. A mirror's run lowers it, and may bring it below zero. */
  savedBytes: number;
  /** Seconds, until a response was handed over; null of none. */
  p50: number | null;
  p95: number | null;
}

/** Of hits and misses alone; null of none. */
export function hitRate({ hits, misses }: Pick<Traffic, "hits" | "misses">): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses);
}

/** The same by bytes of bodies; null of none. */
export function byteHitRate({
  storedBytes,
  sentBytes,
}: Pick<Traffic, "storedBytes" | "sentBytes">): number | null {
  return sentBytes === 0 ? null : storedBytes / sentBytes;
}

/** By repository, in the order of their names; then of all together, whose repository is "". */
export function trafficOf({ series }: Pick<SeriesAnswer, "series">): Traffic[] {
  const names = [...new Set(series.map(({ labels }) => labels["repository"]!))].sort();
  const each = names.map((name) =>
    figures(
      name,
      series.filter(({ labels }) => labels["repository"] === name),
    ),
  );
  return [...each, figures("", series)];
}

function figures(repository: string, series: readonly Series[]): Traffic {
  const of = (wanted: SeriesName, label = "", ...values: string[]) => {
    const chosen = series.filter(
      ({ name, labels }) =>
        name === wanted && (label === "" || values.includes(labels[label] ?? "")),
    );
    return overall(chosen)?.sum ?? 0;
  };
  const outcome = (...values: string[]) => of("requests", "outcome", ...values);
  const [sentBytes, fetchedBytes] = [of("sent"), of("fetched")];
  const times = overall(series.filter(({ name }) => name === "latency"));
  return {
    repository,
    requests: of("requests"),
    hits: outcome("hit", "stale"),
    misses: outcome("miss", "revalidated", "refreshed"),
    notModified: outcome("not-modified"),
    refused: outcome("refused"),
    unavailable: outcome("unavailable"),
    failed: outcome("failed"),
    sentBytes,
    storedBytes: of("sent", "source", "cache"),
    fetchedBytes,
    savedBytes: sentBytes - fetchedBytes,
    p50: times && quantile(times, 0.5),
    p95: times && quantile(times, 0.95),
  };
}
