import { expect, test } from "bun:test";
import { Problem, type ProblemKind, statusOf } from "../../core/problem.ts";
import { renderProblem } from "./problem.ts";

// Composer 2.5 and 2.10: what they do with each is in README.md.
const RETRIED = [423, 425, 500, 502, 503, 504, 507, 510];

for (const kind of Object.keys(statusOf) as ProblemKind[])
  test(`${kind} is told in Composer's output, and ends it at once`, () => {
    const { status, headers, body } = renderProblem(
      new Problem(kind, "reef/coral is so"),
      "/dists/reef/coral/1.0.0.0/aa.zip",
    );
    expect(status).not.toBe(403);
    // What is only busy may be asked again.
    if (kind !== "internal" && kind !== "busy") expect(RETRIED).not.toContain(status);
    // To the letter: with a charset Composer does not look into it.
    expect(headers["content-type"]).toBe("application/json");
    expect(JSON.parse(body as string)).toEqual({
      warning: expect.stringMatching(/^holdfast: [a-zA-Z ]+: reef\/coral is so$/),
    });
  });

const missing: [path: string, rule: string | undefined, told: boolean][] = [
  ["/p2/reef/coral.json", undefined, false],
  ["/p2/reef/coral~dev.json", undefined, false],
  ["/providers/reef/coral.json", undefined, false],
  ["/p2/acme/secret.json", "claims", true],
  ["/p2/acme/secret~dev.json", "claims", false],
  ["/packages.json", undefined, true],
  ["/dists/reef/coral/1.0.0.0/aa.zip", undefined, true],
  ["/nothing", undefined, true],
];

for (const [path, rule, told] of missing)
  test(`what is missing at ${path} is ${told ? "told" : "nothing to tell"}`, () => {
    const problem = new Problem("notFound", "It is not there", rule ? { rule } : {});
    const { status, body } = renderProblem(problem, path);
    expect(status).toBe(404);
    expect(Object.keys(JSON.parse(body as string))).toEqual([told ? "warning" : "error"]);
  });

test("a method that is not possible names those that are", () => {
  const { status, headers } = renderProblem(
    new Problem("methodNotAllowed", "No"),
    "/packages.json",
  );
  expect([status, headers["allow"]]).toEqual([405, "GET, HEAD"]);
});
