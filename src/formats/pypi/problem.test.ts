import { expect, test } from "bun:test";
import { Problem, type ProblemKind, statusOf } from "../../core/problem.ts";
import { renderProblem } from "./problem.ts";

test("a problem is told in the form that uv prints", () => {
  const answer = renderProblem(new Problem("unreachable", "index.example.test does not answer"));
  expect(answer.status).toBe(424);
  // uv compares the whole header: no charset.
  expect(answer.headers).toEqual({ "content-type": "application/problem+json" });
  expect(JSON.parse(String(answer.body))).toEqual({
    type: "about:blank",
    title: "holdfast: unreachable",
    status: 424,
    detail: "index.example.test does not answer",
    message: "index.example.test does not answer",
  });
});

test("each kind has its own status", () => {
  for (const kind of Object.keys(statusOf) as ProblemKind[])
    expect(renderProblem(new Problem(kind, "x")).status).toBe(statusOf[kind]);
});

test("a bug's message stays inside", () => {
  expect(String(renderProblem(new Problem("internal", "secret")).body)).not.toContain("secret");
});
