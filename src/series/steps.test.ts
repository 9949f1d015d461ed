import { expect, test } from "bun:test";
import { forecast } from "./forecast.ts";
import { KEPT, stepsFor } from "./steps.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 26, 12, 34, 56);

test.each<[string, number, number, number, number]>([
  // How long a span, its steps, how many, and what they are read from.
  ["an hour", HOUR, MINUTE, 61, MINUTE],
  ["six hours", 6 * HOUR, 5 * MINUTE, 73, MINUTE],
  ["a day", DAY, 15 * MINUTE, 97, 15 * MINUTE],
  ["two days", 2 * DAY, 15 * MINUTE, 193, 15 * MINUTE],
  ["a week", 7 * DAY, HOUR, 169, 15 * MINUTE],
  ["two weeks", 14 * DAY, 2 * HOUR, 169, 15 * MINUTE],
  ["three weeks", 21 * DAY, DAY, 22, DAY],
  ["a year", 365 * DAY, 7 * DAY, 53, DAY],
  ["ever", NOW, 7 * DAY, 106, DAY],
])("%s until now", (_, span, length, many, kept) => {
  const steps = stepsFor(NOW - span, NOW, NOW);
  expect(steps).toMatchObject({ length, kept });
  expect(steps.many).toBeWithin(many - 1, many + 2);
  expect(steps.from % length).toBe(0);
});

test("what is not kept in short steps any more is shown in longer ones", () => {
  const day = (ago: number) => stepsFor(NOW - ago, NOW - ago + HOUR, NOW).length;
  expect([47 * HOUR, 3 * DAY, 20 * DAY].map(day)).toEqual([MINUTE, 15 * MINUTE, DAY]);
  expect(stepsFor(NOW - HOUR, NOW, NOW, DAY)).toMatchObject({ length: DAY, kept: DAY });
});

test("any span has few steps, and few rows are read for it", () => {
  for (let from = 1; from < 1000 * DAY; from *= 1.3)
    for (const to of [0, from / 2, from, -from]) {
      const { length, many, kept } = stepsFor(NOW - from, NOW - to, NOW);
      expect(many).toBeWithin(1, 202);
      if (to >= 0) expect((many * length) / kept).toBeLessThan(1400); // nothing is kept of the future
      expect(KEPT.map((one) => one.length)).toContain(kept);
    }
});

const days = (...used: number[]) => used.map((one, nth) => ({ at: nth * DAY, used: one }));

test.each<[string, { at: number; used: number }[], number, [number, number, number] | null]>([
  ["nothing", [], 0, null],
  ["two changes", days(1, 2, 3), 2, null],
  ["three changes", days(0, 10, 20, 40), 3, [10, 10, 15]],
  ["it shrinks", days(40, 30, 20, 10), 3, [-10, -10, -10]],
  [
    "a day on which much was imported",
    days(0, 1, 2, 1_000_000, 1_000_001, 1_000_002),
    5,
    [1, 1, 1],
  ],
  [
    "days without a server",
    [...days(0, 10), { at: 6 * DAY, used: 60 }, { at: 7 * DAY, used: 70 }],
    3,
    [10, 10, 10],
  ],
  [
    "the last fourteen",
    days(...Array.from({ length: 40 }, (_, nth) => (nth < 20 ? nth * 100 : 2000 + nth))),
    14,
    [1, 1, 1],
  ],
])("forecast() with %s", (_, given, many, growth) => {
  const told = forecast(given, 100, NOW);
  expect(told.days).toBe(many);
  expect(told.growth && [told.growth.low, told.growth.median, told.growth.high]).toEqual(growth);
});

test("forecast() tells no day for a disk that does not fill within ten years", () => {
  const full = (...used: number[]) => forecast(days(...used), 1e9, NOW).full;
  expect(full(0, 10, 20, 30)).toEqual({ early: null, likely: null, late: null });
  expect(full(3, 2, 1, 0)).toEqual({ early: null, likely: null, late: null });
  const mixed = full(0, -100, 1e8 - 100, 3e8 - 100);
  expect(mixed.likely).toBe(NOW + 10 * DAY);
  expect(mixed.early!).toBeLessThan(mixed.likely!);
  expect(mixed.late!).toBeGreaterThan(mixed.likely!);
  expect(forecast(days(0, 1, 2, 3), 0, NOW).full.likely).toBe(NOW);
});
