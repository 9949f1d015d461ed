// Failures in npm's dialect: it prints the `error` of the JSON body, and the `npm-notice` header. npm/npm-registry-fetch
import type { Problem, ProblemKind } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";

// Kinds are words for operators and tests; a person who installs reads these.
const SAID: Partial<Record<ProblemKind, string>> = {
  notFound: "not found",
  methodNotAllowed: "not possible here",
  tooLarge: "too large",
  internal: "internal error",
};

export function renderProblem(problem: Problem): Reply {
  const text = `holdfast: ${SAID[problem.kind] ?? problem.kind}: ${problem.message}`;
  const headers: Record<string, string> = {};
  // Optional questions end in 404 too, such as the audit after each install: npm prints those that matter by itself.
  if (problem.kind !== "notFound") headers["npm-notice"] = notice(text);
  if (problem.kind === "methodNotAllowed") headers["allow"] = "GET, HEAD";
  return reply(problem.status, "application/json", `${JSON.stringify({ error: text })}\n`, headers);
}

/** As a header's value: one line of printable ASCII, not endless. */
export function notice(text: string): string {
  const line = text.replace(/[^\x20-\x7e]+/g, "?").trim();
  return line.length > 500 ? `${line.slice(0, 497)}...` : line;
}
