// A failure as Python clients show it. RFC 9457
import type { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";

/**
 * uv (since 0.9.4) prints title and detail of a body of exactly this type; pip, poetry and pdm print the status and the URL
 * only. Those who read the JSON APIs look for `message`.
 */
export function renderProblem(problem: Problem): Reply {
  const detail =
    problem.kind === "internal" ? "This server failed; its log has the details" : problem.message;
  const body = {
    type: "about:blank",
    title: `holdfast: ${problem.kind}`,
    status: problem.status,
    detail,
    message: detail,
  };
  return reply(
    problem.status,
    "application/problem+json",
    `${JSON.stringify(body)}\n`,
    problem.kind === "methodNotAllowed" ? { allow: "GET, HEAD" } : {},
  );
}
