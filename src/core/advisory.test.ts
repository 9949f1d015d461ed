import { describe, expect, test } from "bun:test";
import semver from "semver";
import { type AffectedRange, affects } from "./advisory.ts";

function order(a: string, b: string): number {
  const [one, other] = [semver.parse(a), semver.parse(b)];
  if (!one || !other) return Number(one !== null) - Number(other !== null);
  return one.compare(other);
}

function range(introduced: string, fixed: string | null, lastAffected: string | null = null) {
  return { introduced, fixed, lastAffected };
}

const table: [versions: string[], ranges: AffectedRange[], inside: string[], outside: string[]][] =
  [
    [["1.0.0"], [], ["1.0.0", "1.0.0+build"], ["1.0.1"]],
    [[], [range("0", "1.2.0")], ["0.1.0", "1.2.0-rc.1", "no version"], ["1.2.0"]],
    [[], [range("0", null)], ["0.0.1", "99.0.0"], []],
    [[], [range("1.0.0", null, "1.5.0")], ["1.0.0", "1.5.0"], ["0.9.9", "1.5.1"]],
    [[], [range("1.0.0", "1.2.0"), range("2.0.0", "2.1.0")], ["1.1.0", "2.0.5"], ["1.9.0"]],
    [["3.0.0"], [range("1.0.0", "1.2.0")], ["3.0.0", "1.1.0"], ["2.0.0"]],
    [[], [range("next", null)], [], ["1.0.0"]],
    [[], [range("0", "soon")], [], ["1.0.0"]],
    [[], [range("0", null, "lately")], [], ["1.0.0", "x"]],
  ];

describe("an advisory is about", () => {
  for (const [versions, ranges, inside, outside] of table)
    test(JSON.stringify({ versions, ranges }), () => {
      const about = (version: string) => affects({ versions, ranges }, version, order);
      expect(inside.filter((version) => !about(version))).toEqual([]);
      expect(outside.filter(about)).toEqual([]);
    });
});

test("without an order, what it names and what is about every version", () => {
  expect(affects({ versions: ["1.0"], ranges: [range("0", "2.0")] }, "1.0", null)).toBe(true);
  expect(affects({ versions: [], ranges: [range("0", "2.0")] }, "1.0", null)).toBe(false);
  expect(affects({ versions: [], ranges: [range("0", null)] }, "1.0", null)).toBe(true);
});
