// What series say, as numbers to show. Pure.
import { BUCKETS } from "./metrics.ts";
import { meaningOf, type Series, type SeriesAnswer, type SeriesPoint } from "./series.ts";

/** Milliseconds since the epoch, and what was then. */
export type SeriesValue = readonly [at: number, value: number | null];

/**
 * Several series of one answer, added up, as what a chart takes; none for none. The last step of counters is left out while it runs: it would look like
 * a fall.
 */
export function chartPoints(
  { from, step, isRunning }: Pick<SeriesAnswer, "from" | "step" | "isRunning">,
  series: readonly Series[],
  numberOf: (point: SeriesPoint) => number | null,
): SeriesValue[] {
  const points = together(series);
  const isCounted = series.some(({ name }) => meaningOf(name).kind === "counter");
  const shown = isRunning && isCounted ? points.slice(0, -1) : points;
  return shown.map((point, nth) => [from + nth * step, point && numberOf(point)]);
}

/** Of each step what all of these make together; null where nothing is known of any. */
export function together(series: readonly Series[]): (SeriesPoint | null)[] {
  const [first, ...rest] = series;
  if (!first) return [];
  const isGauge = meaningOf(first.name).kind === "gauge";
  return first.points.map((start, at) =>
    rest
      .map(({ points }) => points[at] ?? null)
      .reduce((sum, point) => (sum && point ? add(sum, point, isGauge) : (sum ?? point)), start),
  );
}

/** Gauges were looked at at the same times: what each was is added up, not how often. */
function add(one: SeriesPoint, other: SeriesPoint, isGauge: boolean): SeriesPoint {
  if (isGauge)
    return {
      sum: ofGauge(one) + ofGauge(other),
      count: 1,
      max: one.max + other.max,
      buckets: null,
    };
  const [a, b] = [one.buckets, other.buckets];
  return {
    sum: one.sum + other.sum,
    count: one.count + other.count,
    // Of counters no more than that: their busiest seconds may be others.
    max: a && b ? Math.max(one.max, other.max) : one.max + other.max,
    buckets: a && b ? BUCKETS.concat(0).map((_, at) => (a[at] ?? 0) + (b[at] ?? 0)) : (a ?? b),
  };
}

/** All steps of these as one; null where nothing is known. */
export function overall(series: readonly Series[]): SeriesPoint | null {
  return together(series).reduce(
    (sum, point) => (sum && point ? add(sum, point, false) : (sum ?? point)),
    null,
  );
}

export function ofCounter({ sum }: SeriesPoint): number {
  return sum;
}

/** The mean of what was seen. */
export function ofGauge({ sum, count }: SeriesPoint): number {
  return count === 0 ? 0 : sum / count;
}

/**
 * Under which time this part of a histogram was (0.95: of 95 in 100), in seconds; null of none. It is reckoned within a bucket, as if times were spread
 * evenly there, and is never more than the highest that was seen.
 */
export function quantile({ buckets, count, max }: SeriesPoint, part: number): number | null {
  if (!buckets || count === 0) return null;
  const wanted = part * count;
  let below = 0;
  for (const [at, many] of buckets.entries()) {
    if (many > 0 && below + many >= wanted) {
      const [low, high] = [BUCKETS[at - 1] ?? 0, BUCKETS[at] ?? max];
      return Math.min(max, low + (high - low) * ((wanted - below) / many));
    }
    below += many;
  }
  return max;
}
