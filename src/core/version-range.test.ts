import { describe, expect, test } from "bun:test";
import semver from "semver";
import { parseRange } from "./version-range.ts";

function order(a: string, b: string): number {
  const [one, other] = [semver.parse(a), semver.parse(b)];
  if (!one || !other) return Number(one !== null) - Number(other !== null);
  return one.compare(other);
}

const table: [range: string, inside: string[], outside: string[]][] = [
  ["*", ["1.0.0"], []],
  ["", ["1.0.0"], []],
  ["1.2.3", ["1.2.3"], ["1.2.4"]],
  [">=1.2.0 <2.0.0", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0"]],
  [">= 1.2.0, < 2.0.0", ["1.2.0"], ["2.0.0"]],
  ["<1.0.0 || 3.1.4", ["0.9.0", "3.1.4"], ["1.0.0", "3.1.5"]],
  ["!=1.0.0 <=2.0.0", ["2.0.0"], ["1.0.0", "2.0.1"]],
];

describe("a range", () => {
  for (const [range, inside, outside] of table)
    test(JSON.stringify(range), () => {
      const holds = parseRange(range, order);
      expect(inside.filter((version) => !holds(version))).toEqual([]);
      expect(outside.filter(holds)).toEqual([]);
    });
});

test("what cannot be read is named", () => {
  expect(() => parseRange(">=1.0.0 <>2", order)).toThrow('"<>2" is no comparison');
  // What other tools write would else be a version that nothing has, and hold nothing.
  for (const other of ["^1.0", "~1.0", "~=1.0"])
    expect(() => parseRange(other, order)).toThrow("is no comparison");
  expect(() => parseRange("<2.x", order)).toThrow('"2.x" is no version');
  expect(parseRange("1.0~rc1", null)("1.0~rc1")).toBe(true);
});

test("without an order exact versions alone can be named", () => {
  expect(parseRange("1.0-1 || 1.0-2", null)("1.0-2")).toBe(true);
  expect(() => parseRange("<2", null)).toThrow("only exact ones");
});
