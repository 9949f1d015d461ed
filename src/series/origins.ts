// Where each series comes from: the numbers of the metrics' page, with fewer labels. So that one place counts, and both show the same.
import { type Labels, NOT_READY, type Reading } from "../core/metrics.ts";
import type { SeriesName } from "../core/series.ts";

export interface Origin {
  name: SeriesName;
  /** A family of the metrics. */
  metric: string;
  /** Of one of its series: what is kept apart; null for one that is not wanted. Those that come to the same are added up. */
  labels(from: Labels): Labels | null;
  /** What counts in a histogram, where not the times themselves are kept: how many there were. */
  isCountOnly?: true;
}

const only =
  (...names: string[]) =>
  (from: Labels) =>
    Object.fromEntries(names.map((name) => [name, from[name] ?? ""]));

export const origins: readonly Origin[] = [
  {
    name: "requests",
    metric: "holdfast_requests_total",
    labels: ({ repository = "", status = "", cache = "" }) => ({
      repository,
      outcome: outcomeOf(Number(status), cache),
    }),
  },
  { name: "sent", metric: "holdfast_sent_bytes_total", labels: only("repository", "source") },
  {
    name: "fetched",
    metric: "holdfast_upstream_bytes_total",
    labels: only("repository", "upstream"),
  },
  { name: "latency", metric: "holdfast_request_seconds", labels: only("repository") },
  {
    name: "upstream-latency",
    metric: "holdfast_upstream_seconds",
    labels: only("repository", "upstream"),
  },
  {
    name: "upstream-errors",
    metric: "holdfast_upstream_seconds",
    labels: (from) =>
      isTrouble(from["status"] ?? "") ? only("repository", "upstream")(from) : null,
    isCountOnly: true,
  },
  { name: "refusals", metric: "holdfast_refusals_total", labels: only("repository", "rule") },
  { name: "events", metric: "holdfast_events_total", labels: only("repository", "kind") },
  { name: "withheld", metric: "holdfast_withheld_releases", labels: only("repository", "verdict") },
  { name: "stored-bytes", metric: "holdfast_stored_bytes", labels: only("repository") },
  { name: "stored-files", metric: "holdfast_stored_files", labels: only("repository") },
  { name: "disk-used", metric: "holdfast_disk_used_bytes", labels: only() },
  { name: "disk-free", metric: "holdfast_disk_free_bytes", labels: only() },
  { name: "memory", metric: "holdfast_memory_bytes", labels: only() },
  { name: "loop-lag", metric: "holdfast_loop_lag_seconds", labels: only() },
];

/** See `requests` of core/series.ts. */
function outcomeOf(status: number, cache: string): string {
  if (cache === NOT_READY) return "none";
  if (status === 304) return "not-modified";
  if (status === 424) return "unavailable";
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : cache;
}

function isTrouble(status: string): boolean {
  return !/^[1-4]/.test(status) || status === "429";
}

/** Where there are too many series: what these say of a new one. The rest of its labels would make it one more. */
export function folded({ repository, outcome, source, verdict }: Labels): Labels {
  return {
    ...(repository !== undefined && { repository: "others" }),
    ...(outcome !== undefined && { outcome }),
    ...(source !== undefined && { source }),
    ...(verdict !== undefined && { verdict }),
  };
}

/** What was added to a counter or histogram since it was read before; of a gauge what it is. */
export interface Amount {
  sum: number;
  count: number;
  max: number;
  buckets: readonly number[] | null;
}

/** `before`: the last reading of the same series, of which `value` and the counts only grow. Null when nothing came. */
export function since(
  before: Pick<Reading, "value" | "histogram"> | undefined,
  { value, histogram }: Reading,
  isCountOnly: boolean,
): Amount | null {
  const grown = value - (before?.value ?? 0);
  if (!histogram) return grown === 0 ? null : { sum: grown, count: 1, max: grown, buckets: null };
  const was = before?.histogram?.counts;
  const buckets = histogram.counts.map((many, at) => many - (was?.[at] ?? 0));
  const count = buckets.reduce((a, b) => a + b, 0);
  if (count === 0) return null;
  if (isCountOnly) return { sum: count, count: 1, max: count, buckets: null };
  return { sum: grown, count, max: histogram.peak, buckets };
}

/** Of two times: added up, and the higher of their highest. */
export function joined(one: Amount, other: Amount): Amount {
  return {
    sum: one.sum + other.sum,
    count: one.count + other.count,
    max: Math.max(one.max, other.max),
    buckets: addBuckets(one.buckets, other.buckets),
  };
}

/** Of two series at the same time: what is at most at once is added up as well, but for how long something took. */
export function beside(one: Amount, other: Amount): Amount {
  const isTime = one.buckets !== null;
  return {
    ...joined(one, other),
    count: isTime ? one.count + other.count : Math.max(one.count, other.count),
    max: isTime ? Math.max(one.max, other.max) : one.max + other.max,
  };
}

function addBuckets(one: Amount["buckets"], other: Amount["buckets"]): Amount["buckets"] {
  if (!one || !other) return one ?? other;
  return one.map((many, at) => many + (other[at] ?? 0));
}
