import { expect, test } from "bun:test";
import { BUCKETS, createMetrics } from "./metrics.ts";
import { Problem } from "./problem.ts";

test("a counter adds up by its labels", async () => {
  const metrics = createMetrics();
  const total = metrics.counter("x_total", "What it counts.");
  total.add({ a: "1" });
  total.add({ a: "1" }, 2);
  total.of({ a: "2" }).add(5);
  total.add({});
  expect(await metrics.render()).toBe(
    '# HELP x_total What it counts.\n# TYPE x_total counter\nx_total{a="1"} 3\nx_total{a="2"} 5\nx_total 1\n',
  );
});

test("a gauge is read on each scrape", async () => {
  const metrics = createMetrics();
  let value = 1;
  metrics.gauge("x", "Now.", async () => [[{ a: "b" }, value]]);
  expect(await metrics.render()).toContain('x{a="b"} 1\n');
  value = 2;
  expect(await metrics.render()).toContain('x{a="b"} 2\n');
});

test("a gauge that cannot be read, or not soon, takes nothing from the others; a bug does", async () => {
  const metrics = createMetrics();
  metrics.gauge("away", "Now.", async () => {
    throw new Problem("busy", "The database cannot be reached");
  });
  metrics.gauge("silent", "Now.", () => new Promise(() => {}));
  metrics.gauge("there", "Now.", () => [[{}, 1]]);
  expect((await metrics.render()).match(/^\w+ \d+$/gm)).toEqual(["there 1"]);
  metrics.gauge("wrong", "Now.", async () => {
    throw new TypeError("a bug");
  });
  await expect(metrics.render()).rejects.toThrow("a bug");
});

test("a histogram's buckets are cumulative", async () => {
  const metrics = createMetrics();
  const seconds = metrics.histogram("x_seconds", "How long.");
  for (const value of [0.001, 0.005, 0.3, 99]) seconds.observe({ a: "b" }, value);
  const page = await metrics.render();
  for (const line of [
    'x_seconds_bucket{a="b",le="0.005"} 2',
    'x_seconds_bucket{a="b",le="0.25"} 2',
    'x_seconds_bucket{a="b",le="0.5"} 3',
    'x_seconds_bucket{a="b",le="30"} 3',
    'x_seconds_bucket{a="b",le="+Inf"} 4',
    'x_seconds_count{a="b"} 4',
  ])
    expect(page).toContain(`${line}\n`);
  expect(page).toMatch(/x_seconds_sum\{a="b"\} 99\.306\d*\n/);
});

test("what the page says can be read as numbers", async () => {
  const metrics = createMetrics();
  metrics.counter("x_total", "X.").add({ a: "b" }, 3);
  metrics.gauge("y", "Y.", () => [[{ c: "d" }, 7]]);
  const seconds = metrics.histogram("z_seconds", "Z.");
  for (const value of [0.0002, 0.3, 99]) seconds.observe({}, value);
  expect(await metrics.read("x_total")).toMatchObject([{ labels: { a: "b" }, value: 3 }]);
  expect(await metrics.read("y")).toEqual([{ labels: { c: "d" }, value: 7 }]);
  expect(await metrics.read("nothing")).toEqual([]);
  const [{ value, histogram } = { value: 0 }] = await metrics.read("z_seconds");
  expect(value).toBeCloseTo(99.3002);
  expect(histogram!.peak).toBe(99);
  expect(histogram!.counts).toHaveLength(BUCKETS.length + 1);
  expect(histogram!.counts.at(-1)).toBe(1);
  expect(histogram!.counts[BUCKETS.indexOf(0.00025)]).toBe(1);
  histogram!.restart();
  seconds.observe({}, 2);
  expect((await metrics.read("z_seconds"))[0]!.histogram!.peak).toBe(2);
});

test("a label's value cannot leave its quotes", async () => {
  const metrics = createMetrics();
  metrics.counter("x_total", "X.").add({ a: 'b"} 9\nforged_total{c="\\' });
  const lines = (await metrics.render()).trim().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[2]).toBe('x_total{a="b\\"} 9\\nforged_total{c=\\"\\\\"} 1');
});
