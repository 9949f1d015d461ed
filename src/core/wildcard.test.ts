import { expect, test } from "bun:test";
import { wildcard } from "./wildcard.ts";

const cases: [pattern: string, text: string, want: boolean][] = [
  ["a", "a", true],
  ["a", "ab", false],
  ["*", "", true],
  ["*", "a/b", true],
  ["a*", "a", true],
  ["*a", "ba", true],
  ["a*a", "a", false],
  ["a*a", "aa", true],
  ["a*b*c", "a-b-c", true],
  ["a*b*c", "acb", false],
  ["a**b", "ab", true],
  ["ab*ba", "aba", false],
  ["A*", "ab", false],
  ["a.c*", "abc", false],
];
for (const [pattern, text, want] of cases)
  test(`${pattern} ${want ? "stands" : "does not stand"} for "${text}"`, () => {
    expect(wildcard(pattern)(text)).toBe(want);
  });
