// One line and one set of figures a request.
import type { Fields, Level, Log } from "../core/log.ts";
import { type Counter, type Histogram, type Metrics, NOT_READY } from "../core/metrics.ts";
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

export interface AccessLog {
  record(request: ServedRequest): void;
  /** `record` for requests that differ from this one only in these. */
  alike(request: ServedRequest): RecordAlike;
}

export type RecordAlike = (id: string, durationMs: number, address: string) => void;

/** Outcomes whose bytes came from an upstream for that request. */
const FETCHED: ReadonlySet<string> = new Set(["miss", "refreshed"]);

interface Series {
  requests: Counter;
  sent: Counter;
  seconds: Histogram;
}

/** How the cache answered, in one word for logs and labels. */
export function outcome(cache: CacheStatus | null): string {
  if (!cache) return "none";
  if (cache.detail) return "stale";
  if (cache.hit) return "hit";
  if (cache.fwdStatus === 304) return "revalidated";
  return cache.fwd === "stale" ? "refreshed" : "miss";
}

/** Who asks whether the server is ready is answered as it should be, also by a no: that is no failure. */
function isNo(request: ServedRequest): boolean {
  return request.status === 503 && isOfHealth(request);
}

/** Balancers ask each second, and all is well: that is counted, and no line for people. */
function isUntold(request: ServedRequest): boolean {
  return request.status === 200 && isOfHealth(request);
}

function isOfHealth({ repository, path }: ServedRequest): boolean {
  return repository === null && path.startsWith("/-/health/");
}

function resultOf(request: ServedRequest): string {
  return isNo(request) ? NOT_READY : outcome(request.cache);
}

export function createAccessLog(log: Log, metrics: Metrics): AccessLog {
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
  const series = new Map<string, Series>();
  function seriesOf(name: string, status: number, result: string): Series {
    const key = `${name} ${status} ${result}`;
    let found = series.get(key);
    if (!found) {
      found = {
        requests: requests.of({ repository: name, status: String(status), cache: result }),
        sent: sent.of({ repository: name, source: FETCHED.has(result) ? "upstream" : "cache" }),
        seconds: seconds.of({ repository: name }),
      };
      series.set(key, found);
    }
    return found;
  }

  function seriesFor(request: ServedRequest): Series {
    return seriesOf(request.repository ?? "-", request.status, resultOf(request));
  }

  function count(to: Series, bytes: number, durationMs: number): void {
    to.requests.add();
    to.sent.add(bytes);
    to.seconds.observe(durationMs / 1000);
  }

  return {
    record(request) {
      const { repository, rule, bytes, durationMs } = request;
      count(seriesFor(request), bytes, durationMs);
      if (rule) refusals.add({ repository: repository ?? "-", rule });
      if (isUntold(request)) return;
      const { level, message, fields } = told(request);
      const duration_ms = rounded(durationMs);
      log.write(level, message, {
        ...fields,
        id: request.id,
        duration_ms,
        address: request.address,
      });
    },
    alike(request) {
      const { bytes } = request;
      const to = seriesFor(request);
      if (isUntold(request)) return (_, durationMs) => count(to, bytes, durationMs);
      const { level, message, fields } = told(request);
      const write = log.repeat(level, message, fields, ["id", "duration_ms", "address"]);
      return (id, durationMs, address) => {
        count(to, bytes, durationMs);
        write([id, rounded(durationMs), address]);
      };
    },
  };
}

/** What a line says but what differs each time. */
function told(request: ServedRequest): { level: Level; message: string; fields: Fields } {
  const { method, path, status, repository, cache, bytes, cut } = request;
  const result = resultOf(request);
  return {
    level: isNo(request)
      ? "warn"
      : status >= 500
        ? "error"
        : status === 424 || cut
          ? "warn"
          : "info",
    message: `${method} ${withoutSecrets(path)} ${status} ${result}`,
    fields: {
      repo: repository,
      status,
      cache: result,
      bytes,
      upstream: cache?.upstream,
      reason: request.reason === null ? undefined : withoutSecrets(request.reason),
      rule: request.rule ?? undefined,
      cut: cut ?? undefined,
    },
  };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

/** Some clients put a token into a path, to end it (npm logout) or to wait for it. */
function withoutSecrets(path: string): string {
  return path.includes("hf_") ? path.replace(/hf_[\w-]{12,}/g, "hf_…") : path;
}
