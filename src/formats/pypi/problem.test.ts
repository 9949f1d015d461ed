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

test("who posts a file and does not want JSON gets the sentence, and who must log in the challenge", () => {
  const problem = new Problem("unauthenticated", "Nobody may publish here");
  const path = "/legacy/";
  for (const accept of [null, "*/*"]) {
    const answer = renderProblem(problem, path, accept);
    expect(answer.headers).toEqual({
      "content-type": "text/plain; charset=utf-8",
      "www-authenticate": 'Basic realm="holdfast"',
    });
    expect(answer.body).toBe("Nobody may publish here\n");
  }
  const told = renderProblem(problem, path, "application/json;q=0.9, text/plain;q=0.8");
  expect(told.headers["content-type"]).toBe("application/problem+json");
  expect(renderProblem(problem, "/simple/", "*/*").headers["content-type"]).toBe(
    "application/problem+json",
  );
});

test("each kind has its own status", () => {
  for (const kind of Object.keys(statusOf) as ProblemKind[])
    expect(renderProblem(new Problem(kind, "x")).status).toBe(statusOf[kind]);
});

test("a bug's message stays inside", () => {
  expect(String(renderProblem(new Problem("internal", "secret")).body)).not.toContain("secret");
});
