import { expect, test } from "bun:test";
import { cannotAsk, Problem, type ProblemKind, statusOf } from "./problem.ts";

test("every failure that is told as 424 or 503 says nothing about whether the thing exists, and no other one", () => {
  const kinds = Object.keys(statusOf) as ProblemKind[];
  const silent = kinds.filter((kind) => cannotAsk(new Problem(kind, "")));
  expect(silent).toEqual(kinds.filter((kind) => [424, 503].includes(statusOf[kind])));
  expect(cannotAsk(new Error("a bug"))).toBe(false);
});
