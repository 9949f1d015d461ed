// One line and one set of figures a request.
import type { Level, Log } from "../core/log.ts";
import type { Counter, Histogram, Metrics } from "../core/metrics.ts";
import type { CacheStatus } from "../core/reply.ts";

/** What happened to one request. */
export interface ServedRequest {
  id: string;
  method: string;
  /** Without the query. */
  path: string;
  status: number;
  repository: string | null;
  cache: CacheStatus | null;
  bytes: number;
  durationMs: number;
  address: string;
  /** Why it failed, for people. */
  reason: string | null;
  /** The rule that refused it. */
  rule: string | null;
  /** Why the body ended early: the client left, or the bytes proved false. */
  cut: string | null;
}

/** How the cache answered, in one word for logs and labels. */
export function outcome(cache: CacheStatus | null): string {
  if (!cache) return "none";
  if (cache.detail) return "stale";
  if (cache.hit) return "hit";
  if (cache.fwdStatus === 304) return "revalidated";
  return cache.fwd === "stale" ? "refreshed" : "miss";
}

export function createAccessLog(log: Log, metrics: Metrics): (request: ServedRequest) => void {
  const requests = metrics.counter(
    "holdfast_requests_total",
    "Requests by repository, status and cache outcome.",
  );
  const sent = metrics.counter(
    "holdfast_sent_bytes_total",
    "Body bytes sent, from the cache or while they came from an upstream.",
  );
  const seconds = metrics.histogram(
    "holdfast_request_seconds",
    "Time until a response was handed over or, for a stream, ended.",
  );
  const refusals = metrics.counter(
    "holdfast_refusals_total",
    "Requests refused by repository and rule; each one's line in the log says who asked for what.",
  );

  // Few series, many requests: each is looked up by one short key instead of its labels.
  const known = new Map<string, { requests: Counter; sent: Counter; seconds: Histogram }>();
  function seriesOf(name: string, status: number, result: string) {
    const key = `${name} ${status} ${result}`;
    let found = known.get(key);
    if (!found) {
      found = {
        requests: requests.of({ repository: name, status: String(status), cache: result }),
        sent: sent.of({ repository: name, source: result === "miss" ? "upstream" : "cache" }),
        seconds: seconds.of({ repository: name }),
      };
      known.set(key, found);
    }
    return found;
  }

  return (request) => {
    const { method, path, status, repository, cache, bytes, durationMs, cut } = request;
    const result = outcome(cache);
    const series = seriesOf(repository ?? "-", status, result);
    series.requests.add();
    series.sent.add(bytes);
    if (request.rule) refusals.add({ repository: repository ?? "-", rule: request.rule });
    series.seconds.observe(durationMs / 1000);

    const level: Level = status >= 500 ? "error" : status === 424 || cut ? "warn" : "info";
    log.write(level, `${method} ${path} ${status} ${result}`, {
      id: request.id,
      repo: repository,
      status,
      cache: result,
      bytes,
      duration_ms: Math.round(durationMs * 10) / 10,
      upstream: cache?.upstream,
      address: request.address,
      reason: request.reason ?? undefined,
      rule: request.rule ?? undefined,
      cut: cut ?? undefined,
    });
  };
}
