import { expect, test } from "bun:test";
import { BUCKETS } from "./metrics.ts";
import type { Series, SeriesPoint } from "./series.ts";
import { chartPoints, ofCounter, ofGauge, overall, quantile, together } from "./series-reading.ts";

const counted = (sum: number): SeriesPoint => ({ sum, count: 1, max: sum, buckets: null });
const of = (name: Series["name"], ...points: (SeriesPoint | null)[]): Series => ({
  name,
  labels: {},
  points,
});
const times = (max: number, ...at: [limit: number, many: number][]): SeriesPoint => {
  const buckets = BUCKETS.map((limit) => at.find(([one]) => one === limit)?.[1] ?? 0).concat(0);
  const count = buckets.reduce((a, b) => a + b, 0);
  return { sum: count, count, max, buckets };
};

test("series are added up step by step, and what is known of one alone is shown", () => {
  const one = of("requests", counted(1), null, counted(3));
  const other = of("requests", counted(10), counted(20), null);
  expect(together([one, other]).map((point) => point && ofCounter(point))).toEqual([11, 20, 3]);
  expect(together([])).toEqual([]);
  expect(overall([one, other])!.sum).toBe(34);
  expect(overall([of("requests", null, null)])).toBeNull();
});

test("gauges are added up as what they were, however often they were looked at", () => {
  const seen = (value: number, count: number) => ({ ...counted(value * count), count, max: value });
  const both = together([of("stored-bytes", seen(5, 6)), of("stored-bytes", seen(7, 3))]);
  expect(ofGauge(both[0]!)).toBe(12);
});

test("of counters the step that runs is left out: it would look like a fall", () => {
  const answer = { from: 1000, step: 10, isRunning: true };
  const series = [of("requests", counted(5), null, counted(1))];
  expect(chartPoints(answer, series, ofCounter)).toEqual([
    [1000, 5],
    [1010, null],
  ]);
  expect(chartPoints({ ...answer, isRunning: false }, series, ofCounter)).toHaveLength(3);
  expect(chartPoints(answer, [of("memory", counted(5), counted(1))], ofGauge)).toHaveLength(2);
  expect(chartPoints(answer, [], ofCounter)).toEqual([]);
});

test.each<[string, SeriesPoint, number, number | null]>([
  ["of none", times(0), 0.5, null],
  ["of no histogram", counted(5), 0.5, null],
  ["of one", times(0.3, [0.5, 1]), 0.5, 0.3],
  ["within a bucket", times(0.5, [0.5, 10]), 0.5, 0.375],
  ["of the last bucket", times(0.5, [0.001, 99], [0.5, 1]), 0.99, 0.001],
  ["beyond it", times(0.5, [0.001, 90], [0.5, 10]), 0.95, 0.375],
  ["all", times(0.45, [0.001, 90], [0.5, 10]), 1, 0.45],
  [
    "longer than the longest limit",
    { ...times(99), count: 1, buckets: [...BUCKETS.map(() => 0), 1] },
    0.5,
    64.5,
  ],
])("quantile() %s", (_, point, part, want) => {
  const found = quantile(point, part);
  if (want === null) expect(found).toBeNull();
  else expect(found!).toBeCloseTo(want);
});
