import { expect, test } from "bun:test";
import { cannotAsk, inFull, Problem, type ProblemKind, statusOf } from "./problem.ts";

test("every failure that is told as 424 or 503 says nothing about whether the thing exists, and no other one", () => {
  const kinds = Object.keys(statusOf) as ProblemKind[];
  const silent = kinds.filter((kind) => cannotAsk(new Problem(kind, "")));
  expect(silent).toEqual(kinds.filter((kind) => [424, 503].includes(statusOf[kind])));
  expect(cannotAsk(new Error("a bug"))).toBe(false);
});

const caused: [message: string, cause: unknown, want: string][] = [
  ["It fails", new Error("EIO"), "It fails (EIO)"],
  ["It fails: EIO", new Error("EIO"), "It fails: EIO"],
  ["It fails", new Error(""), "It fails"],
  ["It fails", undefined, "It fails"],
];
for (const [message, cause, want] of caused)
  test(`in full, ${message} of ${cause} is ${want}`, () => {
    expect(inFull(new Problem("unusable", message, { cause }))).toBe(want);
  });
