// A failure as Python clients show it. RFC 9457
import { challenge } from "../../core/challenge.ts";
import type { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import { isUploadPath } from "./routes.ts";

/**
 * uv (since 0.9.4) prints title and detail of a body of exactly this type; pip, poetry and pdm print the status and the URL
 * only. Those who read the JSON APIs look for `message`. twine and poetry show the body of a refused upload as it is: they get the sentence alone.
 */
export function renderProblem(problem: Problem, path = "", accept: string | null = null): Reply {
  const detail =
    problem.kind === "internal" ? "This server failed; its log has the details" : problem.message;
  const headers = headersOf(problem);
  if (isUploadPath(path) && !/json/i.test(accept ?? ""))
    return reply(problem.status, "text/plain; charset=utf-8", `${detail}\n`, headers);
  const body = {
    type: "about:blank",
    title: `holdfast: ${problem.kind}`,
    status: problem.status,
    detail,
    message: detail,
  };
  return reply(problem.status, "application/problem+json", `${JSON.stringify(body)}\n`, headers);
}

function headersOf({ kind, status }: Problem): Record<string, string> {
  if (kind === "methodNotAllowed") return { allow: "GET, HEAD, POST, DELETE" };
  // pip, uv and twine send what they have of this host only when they are asked.
  return challenge({ status });
}
