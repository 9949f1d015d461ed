import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Chart, type ChartPoint, chart, chartStyle } from "./chart.ts";
import { figure, type Unit } from "./figures.ts";
import { timeMarks, valueMarks } from "./scale.ts";

const START = Date.UTC(2026, 10, 26, 12);
const MINUTE = 60_000;
const minutes = (...values: (number | null)[]): ChartPoint[] =>
  values.map((value, at) => [START + at * MINUTE, value]);
const of = (lines: Chart["lines"], more: Partial<Chart> = {}) =>
  chart({
    id: "c",
    title: "Requests",
    unit: "count",
    from: START,
    to: START + 10 * MINUTE,
    lines,
    ...more,
  });
/** The path of each line, in their order. */
const paths = (html: string) =>
  [...html.matchAll(/class="chart-line chart-\d" d="(M(?!2 4H26)[^"]*)"/g)].map(([, d]) => d!);

test("a chart as it is", () => {
  const html = of([{ label: "hits", points: minutes(0, 10, 4, null, 8) }], {
    about: "Each minute",
  });
  expect(`${html}\n`).toBe(readFileSync(`${import.meta.dir}/testdata/chart.golden.html`, "utf8"));
});

test("several lines are told apart by dashes and words, with a key", () => {
  const html = of([
    { label: "hits", points: minutes(1, 2) },
    { label: "misses", points: minutes(3, 4) },
  ]);
  expect(paths(html)).toHaveLength(2);
  expect(html).toContain('<ul class="chart-key">');
  expect(html).toMatch(/misses <span class="soft">4<\/span>/);
  expect(html).not.toContain("chart-area");
  expect(chartStyle).toContain("stroke-dasharray");
});

test("nothing in it is forbidden by a strict content security policy", () => {
  const html = of([{ label: "hits", points: minutes(1, 2, 3) }]);
  expect(html).not.toMatch(/\sstyle=|<style|<script|\son\w+=|href=/);
});

describe("whatever the points are", () => {
  const rows = (html: string) => html.match(/<th scope="row">/g)?.length ?? 0;
  const cases: [name: string, points: ChartPoint[], path: RegExp | null, rows: number][] = [
    ["none", [], null, 0],
    ["gaps alone", minutes(null, null), null, 2],
    ["one", minutes(5), /^M64 \S+h0$/, 1],
    ["the same again and again", minutes(5, 5, 5), /^M\S+ \S+L/, 3],
    ["zeros", minutes(0, 0), /^M64 174L/, 2],
    ["a gap", minutes(1, null, 2, 3), /^M\S+ \S+h0M\S+ \S+L/, 4],
    ["huge", minutes(1e300, Number.MAX_VALUE), /^M[\d. ]+L[\d. ]+$/, 2],
    ["tiny", minutes(1e-12, 5e-324), /^M[\d. ]+L[\d. ]+$/, 2],
    ["negative", minutes(-5, 5), /^M[\d. ]+L[\d. ]+$/, 2],
    ["no numbers", minutes(Number.NaN, Number.POSITIVE_INFINITY, 4), /^M\S+ \S+h0$/, 3],
    ["outside of the span", [[START - 1, 9], ...minutes(1, 2), [START + 11 * MINUTE, 9]], /L/, 2],
  ];
  for (const [name, points, path, many] of cases)
    for (const unit of ["count", "bytes", "seconds", "share"] as Unit[])
      test(`${name}, ${unit}`, () => {
        const html = of([{ label: "x", points }], { unit });
        expect(html).not.toMatch(/NaN|Infinity|undefined|null/);
        if (path === null) expect(html).toContain(">Nothing is known yet<");
        else expect(paths(html)[0]!).toMatch(path);
        expect(rows(html)).toBe(many);
      });
});

test("many points are drawn as the highest of each span, so that no peak is lost", () => {
  const many: ChartPoint[] = Array.from({ length: 5_000 }, (_, at) => [
    START + at * 100,
    at === 3_333 ? 1000 : 1,
  ]);
  const html = of([{ label: "x", points: many }]);
  expect(paths(html)[0]!.split(" ").length).toBeLessThan(2 * 240);
  expect(html).toContain("x: 1 to 1 k");
  expect(html).toContain('<td class="number">1 k</td>');
  expect(html).toContain("each the highest of its span");
  expect(html.length).toBeLessThan(15_000);
});

test("text is escaped, and a seventh line stands in the table alone", () => {
  const lines = Array.from({ length: 7 }, (_, nth) => ({
    label: `<b>"${nth}`,
    points: minutes(nth),
  }));
  const html = of(lines, { title: "<script>alert(1)</script>", about: "</p><img>" });
  expect(html).not.toMatch(/<script|<b>|<img/);
  expect(paths(html)).toHaveLength(6);
  expect(html.match(/<th scope="col" class="number">/g)).toHaveLength(7);
});

test("a span of no length has a drawing as well", () => {
  expect(of([{ label: "x", points: minutes(1) }], { to: START })).toMatch(/d="M64 \S+h0"/);
});

test.each<[number, number, Unit, number[]]>([
  [0, 10, "count", [0, 3, 6, 9, 12]],
  [0, 1, "count", [0, 1]],
  [0, 0, "count", [0, 1]],
  [0, 100, "count", [0, 25, 50, 75, 100]],
  [0, 0.9, "share", [0, 0.25, 0.5, 0.75, 1]],
  [0, 0.0003, "seconds", [0, 0.0001, 0.0002, 0.0003]],
  [0, 3 * 1024 ** 3, "bytes", [0, 1, 2, 3].map((many) => many * 1024 ** 3)],
  [-1024, 1024, "bytes", [-1024, -512, 0, 512, 1024]],
])("valueMarks(%p, %p, %p)", (low, high, unit, want) => {
  expect(valueMarks(low, high, unit)).toEqual(want);
});

test("valueMarks() encloses what it is given, and is short", () => {
  for (let power = -6; power < 300; power += 1)
    for (const unit of ["count", "bytes", "seconds", "share"] as Unit[])
      for (const first of [1, 1.7, 3.3, 9.99]) {
        const high = first * 10 ** power;
        const marks = valueMarks(0, high, unit);
        expect(marks.length).toBeWithin(2, 8);
        expect(marks.at(-1)!).toBeGreaterThanOrEqual(high * 0.999);
      }
});

test("timeMarks() are round and at most eight, for any span", () => {
  const hour = 60 * MINUTE;
  expect(timeMarks(START, START + 6 * hour).map(({ text }) => text)).toEqual([
    ...["12:00", "13:00", "14:00", "15:00", "16:00", "17:00", "18:00"],
  ]);
  expect(timeMarks(START, START + 24 * hour).map(({ text }) => text)).toContain("27 Nov");
  for (const span of [0, 1, MINUTE, hour, 30 * hour, 2000 * hour, 20_000 * hour, 1e12])
    expect(timeMarks(START, START + span).length).toBeLessThanOrEqual(8);
});

test.each<[number | null, Unit, string]>([
  [null, "count", "–"],
  [0, "count", "0"],
  [999, "count", "999"],
  [1234, "count", "1.23 k"],
  [5e15, "count", "5000 T"],
  [1e300, "count", "1.0e+288 T"],
  [-2048, "bytes", "−2.0 KiB"],
  [1e300, "bytes", "9.1e+287 TiB"],
  [0.00005, "seconds", "50 µs"],
  [0.0123, "seconds", "12.3 ms"],
  [90, "seconds", "90 s"],
  [600, "seconds", "10 min"],
  [0.99999, "share", "99.9 %"],
  [1, "share", "100 %"],
])("figure(%p, %p)", (value, unit, want) => {
  expect(figure(value, unit)).toBe(want);
});
