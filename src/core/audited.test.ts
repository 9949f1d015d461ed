import { expect, test } from "bun:test";
import type { Advisory } from "./advisory.ts";
import { about, rangeText } from "./audited.ts";
import { createEffort } from "./effort.ts";
import type { Problem } from "./problem.ts";

const order = (a: string, b: string) => Number(a) - Number(b);
const many = (length: number) => Array.from({ length }, (_, at) => String(at + 1));
const known = many(100).map(
  (id) =>
    ({
      id,
      aliases: [],
      kind: "vulnerability",
      withdrawnAt: null,
      versions: [],
      ranges: [{ introduced: "5000", fixed: "6000", lastAffected: null }],
    }) as unknown as Advisory,
);

test("others have their turn while many versions are held against much that is known", async () => {
  let turns = 0;
  let isOver = false;
  const other = () => {
    turns += 1;
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  expect(await about(known, many(1000), order)).toEqual([]);
  isOver = true;
  expect(turns).toBeGreaterThan(20);
  expect(await about(known, ["5500", "5500"], order)).toHaveLength(100);
});

test("what no project asks is refused, and told what to do", async () => {
  const failure: Problem = await about(known, many(1000), order, createEffort(10_000)).then(
    () => expect.unreachable(),
    (error) => error,
  );
  expect([failure.kind, failure.message]).toEqual([
    "tooLarge",
    expect.stringContaining("ask about fewer"),
  ]);
});

test("versions that a range holds are named once, unless finding that out is too much: then all are named", () => {
  const words = { and: " ", or: " || ", is: "" };
  let compared = 0;
  const counting = (a: string, b: string) => {
    compared += 1;
    return order(a, b);
  };
  const range = { introduced: "2", fixed: "4", lastAffected: null };
  const few = { versions: ["3", "7"], ranges: [range] };
  expect(rangeText(few, words, counting)).toBe(">=2 <4 || 7");
  compared = 0;
  const much = { versions: many(1000), ranges: many(1000).map(() => range) };
  expect(rangeText(much, words, counting)).toStartWith(">=2 <4 || 1 || 2 || 3 || 4");
  expect(compared).toBe(0);
});
