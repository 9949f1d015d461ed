import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMetrics, type Metrics } from "../core/metrics.ts";
import type { SeriesAnswer, SeriesName } from "../core/series.ts";
import { ofCounter, ofGauge, overall, quantile, together } from "../core/series-reading.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createSeries, type SeriesDeps } from "./room.ts";
import { writeAdded } from "./write.ts";

const START = Date.UTC(2026, 10, 26);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let root: string;
let database: Database;
/** The clock of the wall, and the time that really goes by. */
let [clock, lived] = [START, 0];
let metrics: Metrics;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-series-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  [clock, lived] = [START, 0];
  metrics = server();
});
afterEach(async () => {
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

const pass = (ms: number) => {
  clock += ms;
  lived += ms;
};
/** The metrics of a server that has just started. */
function server(used = () => 0): Metrics {
  const fresh = createMetrics();
  fresh.gauge("holdfast_memory_bytes", "M.", () => [[{}, 100]]);
  fresh.gauge("holdfast_disk_used_bytes", "D.", () => [[{}, used()]]);
  return fresh;
}
const room = (more: Partial<SeriesDeps> = {}) =>
  createSeries({
    database,
    metrics,
    disk: async () => ({ free: 1000 }),
    now: () => clock,
    elapsed: () => lived,
    ...more,
  });
/** Each family is registered once. */
const counters = new WeakMap<Metrics, ReturnType<Metrics["counter"]>>();
function requestsOf(of: Metrics) {
  const known = counters.get(of) ?? of.counter("holdfast_requests_total", "R.");
  counters.set(of, known);
  return known;
}
const ask = (repository: string, status: string, cache: string, by = 1, to = metrics) =>
  requestsOf(to).add({ repository, status, cache }, by);
const read = (name: SeriesName, from: number, to = clock, step = 0): Promise<SeriesAnswer> =>
  room().read({ names: [name], from, to, step });
const counts = ({ series }: SeriesAnswer) =>
  together(series).map((point) => point && ofCounter(point));
const sum = ({ series }: SeriesAnswer) => overall(series)?.sum ?? 0;
async function rows(): Promise<number> {
  const [row] = await database.read`SELECT count(*) AS many FROM series_points`;
  return Number(row.many);
}

test("what is counted stands in steps of every length, and goes on after a restart", async () => {
  let series = room();
  const hit = requestsOf(metrics).of({ repository: "npm", status: "200", cache: "hit" });
  for (let minute = 0; minute < 3; minute += 1) {
    hit.add(10 * (minute + 1));
    await series.flush();
    pass(MINUTE);
  }
  expect(counts(await read("requests", START))).toEqual([10, 20, 30]);
  // Killed: nothing is closed. Another one begins to count from zero.
  metrics = server();
  series = room();
  ask("npm", "200", "hit", 4);
  await series.flush();
  expect(counts(await read("requests", START, clock + 1))).toEqual([10, 20, 30, 4]);
  expect(counts(await read("requests", START, clock, 15 * MINUTE))).toEqual([64]);
  expect(counts(await read("requests", START, clock, DAY))).toEqual([64]);
});

test("requests are kept by how they were answered, and a 304 is a kind of its own", async () => {
  const [series, before] = [room(), clock];
  for (const [status, cache] of [
    ["200", "hit"],
    ["206", "hit"],
    ["200", "miss"],
    ["304", "hit"],
    ["304", "revalidated"],
    ["404", "hit"],
    ["403", "none"],
    ["424", "none"],
    ["500", "none"],
    ["200", "stale"],
  ] as const)
    ask("npm", status, cache);
  await series.flush();
  const { series: found } = await read("requests", before, clock + 1);
  expect(
    Object.fromEntries(found.map((one) => [one.labels["outcome"], overall([one])!.sum])),
  ).toEqual({
    hit: 2,
    miss: 1,
    "not-modified": 2,
    refused: 2,
    unavailable: 1,
    failed: 1,
    stale: 1,
  });
});

test("a histogram of a longer step is that of its shorter ones, bucket by bucket", async () => {
  const series = room();
  const seconds = metrics.histogram("holdfast_request_seconds", "S.");
  const [one, many] = [seconds.of({ repository: "npm" }), seconds.of({ repository: "pypi" })];
  for (let minute = 0; minute < 15; minute += 1) {
    for (let nth = 0; nth < 20; nth += 1) one.observe(0.0003 * (nth + 1) * (minute + 1));
    many.observe(2);
    await series.flush();
    pass(MINUTE);
  }
  const fine = await read("latency", START);
  const coarse = await read("latency", START, clock, 15 * MINUTE);
  expect(fine.series[0]!.points).toHaveLength(15);
  expect(coarse.series[0]!.points).toHaveLength(1);
  for (const at of [0, 1])
    expect(overall([fine.series[at]!])).toEqual(coarse.series[at]!.points[0]!);
  const all = overall(coarse.series)!;
  expect(all).toMatchObject({ count: 315, max: 2 });
  expect(quantile(all, 1)).toBe(2);
  // Its true value is 0.017: within the bucket that it lies in.
  expect(quantile(all, 0.5)!).toBeWithin(0.01, 0.025);
});

test("the highest value is that of its step, not of all time", async () => {
  const series = room();
  const seconds = metrics.histogram("holdfast_request_seconds", "S.").of({ repository: "npm" });
  for (const value of [5, 0.1, 0.2]) {
    seconds.observe(value);
    await series.flush();
    pass(MINUTE);
  }
  const { series: found } = await read("latency", START);
  expect(found[0]!.points.map((point) => point!.max)).toEqual([5, 0.1, 0.2]);
});

test("a minute without requests is a zero, and one without a server a gap", async () => {
  const series = room();
  ask("npm", "200", "hit", 7);
  await series.flush();
  for (const _ of "ab") {
    pass(MINUTE);
    await series.flush();
  }
  pass(3 * MINUTE);
  ask("npm", "200", "hit", 2);
  await series.flush();
  expect(counts(await read("requests", START, clock + 1))).toEqual([7, 0, 0, null, null, 2]);
});

test("several series of the metrics come to one, as all statuses of an upstream", async () => {
  const series = room();
  const seconds = metrics.histogram("holdfast_upstream_seconds", "S.");
  const from = { repository: "npm", upstream: "one.test" };
  for (const status of ["200", "304", "500", "error", "429", "404"])
    seconds.observe({ ...from, status }, 1);
  await series.flush();
  const { series: all } = await read("upstream-latency", START, clock + 1);
  expect(all).toHaveLength(1);
  expect(overall(all)).toMatchObject({ count: 6, sum: 6 });
  const { series: errors } = await read("upstream-errors", START, clock + 1);
  expect(errors).toMatchObject([{ labels: from }]);
  expect(overall(errors)).toMatchObject({ sum: 3 });
});

test("what cannot be written waits, and is written with what comes next", async () => {
  let isFull = true;
  const series = room({
    database: {
      ...database,
      write: (work, how) =>
        isFull ? Promise.reject(new Error("full")) : database.write(work, how),
    },
  });
  ask("npm", "200", "hit", 3);
  expect(series.flush()).rejects.toThrow("full");
  ask("npm", "200", "hit", 4);
  expect(series.flush()).rejects.toThrow("full");
  isFull = false;
  await series.flush();
  await series.flush();
  expect(sum(await read("requests", START, clock + 1))).toBe(7);
});

test("two processes that write to one database add up", async () => {
  const other = server();
  const [one, two] = [room(), room({ metrics: other })];
  ask("npm", "200", "hit", 3);
  ask("npm", "200", "hit", 5, other);
  other.histogram("holdfast_request_seconds", "S.").observe({ repository: "npm" }, 1);
  metrics.histogram("holdfast_request_seconds", "S.").observe({ repository: "npm" }, 3);
  await Promise.all([one.flush(), two.flush(), one.flush(), two.flush()]);
  expect(counts(await read("requests", START, clock + 1))).toEqual([8]);
  const { series } = await read("latency", START, clock + 1);
  expect(overall(series)).toMatchObject({ count: 2, sum: 4, max: 3 });
});

describe("whatever the clock does, what was counted stays", () => {
  test("set back: it is added to the time that it then is", async () => {
    const series = room();
    pass(HOUR);
    ask("npm", "200", "hit", 3);
    await series.flush();
    clock -= HOUR;
    ask("npm", "200", "hit", 4);
    await series.flush();
    expect(sum(await read("requests", START, START + 2 * HOUR))).toBe(7);
  });

  test("set far ahead: no history goes, and what was of the future goes in the end", async () => {
    const series = room();
    ask("npm", "200", "hit", 3);
    for (let minute = 0; minute < 61; minute += 1) {
      await series.flush();
      pass(MINUTE);
    }
    const before = clock;
    clock += 10 * 365 * DAY;
    ask("npm", "200", "hit", 100);
    for (let minute = 0; minute < 30; minute += 1) {
      await series.flush();
      pass(MINUTE);
    }
    clock = before;
    const kept = await rows();
    await series.flush();
    expect(await rows()).toBeGreaterThanOrEqual(kept);
    expect(sum(await read("requests", START, clock + 1))).toBe(3);
    for (let minute = 0; minute < 75; minute += 1) {
      pass(MINUTE);
      await series.flush();
    }
    const [latest] = await database.read`SELECT at FROM series_points ORDER BY at DESC LIMIT 1`;
    expect(Number(latest.at)).toBeLessThanOrEqual(clock);
    expect(sum(await read("requests", START, clock + 1))).toBe(3);
  });
});

test("points go when they are too old, and a series with its last one", async () => {
  const series = room();
  ask("npm", "200", "hit");
  await series.flush();
  pass(2 * HOUR);
  await series.flush();
  const kept = async () =>
    (
      await database.read`SELECT step, count(*) AS many FROM series_points GROUP BY step ORDER BY step`
    ).map((row) => [Number(row.step), Number(row.many)]);
  // Requests, memory and disk; twice the last two.
  expect(await kept()).toEqual([
    [MINUTE, 5],
    [15 * MINUTE, 5],
    [DAY, 3],
  ]);
  pass(49 * HOUR);
  await series.flush();
  pass(HOUR);
  await series.flush();
  pass(11 * MINUTE);
  await series.flush();
  expect((await kept())[0]).toEqual([MINUTE, 6]);
  pass(800 * DAY);
  for (let nth = 0; nth < 8; nth += 1) {
    await series.flush();
    pass(10 * MINUTE);
  }
  await series.flush();
  const names = await database.read`SELECT name FROM series ORDER BY name`;
  expect(names.map(({ name }) => name)).toEqual(["disk-used", "memory"]);
});

test("how many rows there are is bounded, whatever comes", async () => {
  const series = room();
  for (let at = 0; at < 3 * 24 * 12; at += 1) {
    ask("npm", "200", "hit");
    await series.flush();
    pass(5 * MINUTE);
  }
  // Of three series: a point in five minutes of two days and an hour, and all of the longer steps.
  expect(await rows()).toBeLessThanOrEqual(3 * (48 * 12 + 14 + 3 * 96 + 3));
});

test("too many series come together in one for each name", async () => {
  const added = Array.from({ length: 50 }, (_, nth) => ({
    name: "requests" as const,
    labels: { repository: `r${nth}`, outcome: nth % 2 ? "hit" : "miss" },
    sum: 1,
    count: 1,
    max: 1,
    buckets: null,
  }));
  const write = () => database.write((sql) => writeAdded(sql, added, clock, 10));
  await write();
  await write();
  const { series } = await read("requests", START, clock + 1);
  expect(series).toHaveLength(12);
  expect(sum(await read("requests", START, clock + 1))).toBe(100);
  const others = series.filter(({ labels }) => labels["repository"] === "others");
  expect(
    Object.fromEntries(others.map((one) => [one.labels["outcome"], overall([one])!.sum])),
  ).toEqual({ hit: 40, miss: 40 });
});

test("of one repository, and of several names in their order", async () => {
  const series = room();
  ask("npm", "200", "hit");
  ask("pypi", "200", "hit");
  metrics.counter("holdfast_sent_bytes_total", "B.").add({ repository: "npm", source: "cache" }, 9);
  await series.flush();
  const span = { from: START, to: clock + 1 };
  const found = await series.read({ ...span, names: ["sent", "requests"], repository: "npm" });
  expect(found.series.map(({ name, labels }) => [name, labels["repository"]])).toEqual([
    ["sent", "npm"],
    ["requests", "npm"],
  ]);
  expect((await series.read({ ...span, names: [] })).series).toEqual([]);
});

test("the disk's growth is told after days, with a range", async () => {
  let used = 0;
  metrics = server(() => used);
  const series = room();
  const grown = [100, 100, 300, 100, 200];
  for (const [nth, by] of grown.entries()) {
    await series.flush();
    const { days, growth } = await series.forecast();
    // Today counts for nothing before it is over.
    expect([days, growth === null]).toEqual([Math.max(0, nth - 1), nth < 4]);
    used += by;
    pass(DAY);
  }
  await series.flush();
  const told = await series.forecast();
  expect(told).toMatchObject({ days: 4, free: 1000, growth: { low: 100, median: 100, high: 150 } });
  expect(told.full).toEqual({
    early: clock + Math.round((1000 / 150) * DAY),
    likely: clock + 10 * DAY,
    late: clock + 10 * DAY,
  });
});

test("a gauge is what it was on the whole of a step", async () => {
  let used = 100;
  metrics = server(() => used);
  const series = room();
  for (const value of [100, 200, 600]) {
    used = value;
    await series.flush();
    pass(10 * SECOND);
  }
  const { series: found } = await read("disk-used", START, clock);
  expect(found[0]!.points.map((point) => point && [ofGauge(point), point.max])).toEqual([
    [300, 600],
  ]);
});
