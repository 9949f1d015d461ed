// When the disk will be full, by how it grew day by day. Pure.
import type { Forecast } from "../core/series.ts";

const DAY_MS = 86_400_000;
/** Changes from day to day: of the last ones, and under how many nothing is said. */
const MOST_DAYS = 14;
const LEAST_DAYS = 3;
/** What is further away than this is told as never. */
const HORIZON_MS = 3650 * DAY_MS;

/** How many days back the days lie that `forecast` looks at, with some to spare for days on which no server ran. */
export const FORECAST_MS = 2 * MOST_DAYS * DAY_MS;

/**
 * `days`: the used bytes of days that are over, by time. `free`: bytes, now. A day is as its mean was, so that a large file that comes and goes counts for
 * little, and the median of the changes passes over a day on which much was imported or removed.
 */
export function forecast(
  days: readonly { at: number; used: number }[],
  free: number,
  now: number,
): Forecast {
  const changes = days.slice(1).map(({ at, used }, nth) => {
    const before = days[nth]!;
    return (used - before.used) / Math.max(1, Math.round((at - before.at) / DAY_MS));
  });
  const last = changes.slice(-MOST_DAYS);
  const none = { early: null, likely: null, late: null };
  if (last.length < LEAST_DAYS) return { days: last.length, free, growth: null, full: none };
  const sorted = last.toSorted((a, b) => a - b);
  const growth = {
    low: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    high: quantile(sorted, 0.75),
  };
  const fullAt = (bytesADay: number) => {
    const inMs = bytesADay > 0 ? (free / bytesADay) * DAY_MS : Number.POSITIVE_INFINITY;
    return inMs <= HORIZON_MS ? Math.round(now + inMs) : null;
  };
  return {
    days: last.length,
    free,
    growth,
    full: {
      early: fullAt(growth.high),
      likely: fullAt(growth.median),
      late: fullAt(growth.low),
    },
  };
}

function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return below + (above - below) * (place - Math.floor(place));
}
