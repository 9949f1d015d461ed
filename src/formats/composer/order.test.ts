import { expect, test } from "bun:test";
import { compareVersions } from "./order.ts";

/** Each comes before the next. */
const order = [
  "no version",
  "dev-feature/a",
  "dev-main",
  "0.9",
  "1.0.0-dev",
  "1.0.0-alpha1",
  "1.0.0-alpha2",
  "1.0.0-beta",
  "1.0.0-beta10",
  "1.0.0-RC1",
  "1.0.0",
  "1.0.0-p1",
  "1.0.1",
  "1.10",
  "2.0.0",
  "20240101",
  "2024.06.01.1",
];

for (const [at, one] of order.slice(0, 15).entries())
  test(`${one} comes before ${order[at + 1]}`, () => {
    expect(compareVersions(one, order[at + 1]!)).toBeLessThan(0);
    expect(compareVersions(order[at + 1]!, one)).toBeGreaterThan(0);
  });

const same: [string, string][] = [
  ["v1.2", "1.2.0"],
  ["1.2.0.0", "1.2"],
  ["1.0-rc1", "1.0.0-RC1"],
  ["1.0@stable", "1.0"],
  ["no", "neither"],
];
for (const [one, other] of same)
  test(`${one} is ${other}`, () => expect(compareVersions(one, other)).toBe(0));
