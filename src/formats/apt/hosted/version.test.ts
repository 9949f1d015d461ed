import { describe, expect, test } from "bun:test";
import { compareVersions, isVersion, upstreamPart, withoutEpoch } from "./version.ts";

describe("compareVersions() orders as dpkg does", () => {
  for (const [a, sign, b] of [
    ["1.0~rc1", "<", "1.0"],
    ["1.0-1", ">", "1.0"],
    ["1:0.1", ">", "9.9"],
    ["1.0+b1", ">", "1.0"],
    ["1.0a", "<", "1.0+"],
    ["2.0.1", ">", "2.0~1"],
    ["0001", "=", "1"],
    ["1.0", "=", "1.0-0"],
    ["0:1.0", "=", "1.0"],
    ["1.10", ">", "1.9"],
    ["1.0-1.1", ">", "1.0-1"],
    ["1.0~~", "<", "1.0~"],
    ["1.0~", "<", "1.0"],
    ["1.2-3-4", ">", "1.2-3"],
    ["99999999999999999999999998", "<", "99999999999999999999999999"],
  ] as const)
    test(`${a} ${sign} ${b}`, () => {
      const found = Math.sign(compareVersions(a, b));
      expect(found).toBe({ "<": -1, "=": 0, ">": 1 }[sign]);
      expect(Math.sign(compareVersions(b, a))).toBe(found === 0 ? 0 : -found);
    });
});

test("isVersion() takes what Debian's policy takes", () => {
  for (const version of ["1", "1.0-1", "2:1.0~rc1+dfsg-3.1", "20240101"])
    expect(isVersion(version)).toBe(true);
  for (const version of ["", "v1", "1 0", "1_0", "1:", ":1", "1/2", "1\n", "../1", "a".repeat(300)])
    expect(isVersion(version)).toBe(false);
});

test("parts of a version", () => {
  expect(withoutEpoch("1:2.0-3")).toBe("2.0-3");
  expect(upstreamPart("1:2.0-1-3")).toBe("2.0-1");
  expect(upstreamPart("2.0")).toBe("2.0");
});
