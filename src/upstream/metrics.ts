// The figures of all upstreams in one process. Repositories share one page of metrics, so each name is registered once.
import type { Metrics } from "../core/metrics.ts";
import type { BreakerState } from "./breaker.ts";
import { createLatencies, type Latencies, type Latency } from "./latencies.ts";

/** The states of one repository's upstreams now. */
export type StatesOf = () => { upstream: string; state: BreakerState }[];

export interface UpstreamMetrics {
  /** Time until the headers, or until it failed: `status` is then "error". */
  exchange(repository: string, upstream: string, status: string, seconds: number): void;
  /** Of its answers of late; null before the first. */
  latency(repository: string, upstream: string): Latency | null;
  /** Bytes of bodies, as sent by the upstream. */
  bytes(repository: string, upstream: string, count: number): void;
  /** Shows these breakers on each scrape; call what it returns to stop. */
  watch(repository: string, states: StatesOf): () => void;
}

const GAUGE: Record<BreakerState, number> = { closed: 0, "half-open": 1, open: 2 };

/** Call once per Metrics, and give the result to every `createUpstream`. */
export function createUpstreamMetrics(metrics: Metrics): UpstreamMetrics {
  const seconds = metrics.histogram(
    "holdfast_upstream_seconds",
    "Time until an upstream's headers arrived.",
  );
  const bytes = metrics.counter(
    "holdfast_upstream_bytes_total",
    "Body bytes received from upstreams.",
  );
  const latencies = new Map<string, Latencies>();
  const watched = new Set<{ repository: string; states: StatesOf }>();
  metrics.gauge(
    "holdfast_upstream_breaker_state",
    "0 asked, 1 probed, 2 not asked until its backoff ends.",
    () =>
      [...watched].flatMap(({ repository, states }) =>
        states().map(({ upstream, state }): [Record<string, string>, number] => [
          { repository, upstream },
          GAUGE[state],
        ]),
      ),
  );
  return {
    exchange(repository, upstream, status, took) {
      seconds.observe({ repository, upstream, status }, took);
      if (status === "error") return;
      const key = `${repository}\0${upstream}`;
      const known = latencies.get(key) ?? createLatencies();
      latencies.set(key, known);
      known.add(took);
    },
    latency: (repository, upstream) => latencies.get(`${repository}\0${upstream}`)?.now() ?? null,
    bytes: (repository, upstream, count) => bytes.add({ repository, upstream }, count),
    watch(repository, states) {
      const entry = { repository, states };
      watched.add(entry);
      return () => watched.delete(entry);
    },
  };
}
