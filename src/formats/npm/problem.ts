// Failures in npm's dialect: it prints the `error` of the JSON body, and the `npm-notice` header. npm/npm-registry-fetch
import type { Problem, ProblemKind } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import { parseRoute } from "./routes.ts";

// Kinds are words for operators and tests; a person who installs reads these.
const SAID: Partial<Record<ProblemKind, string>> = {
  notFound: "not found",
  methodNotAllowed: "not possible here",
  tooLarge: "too large",
  internal: "internal error",
};

/**
 * pnpm retries a tarball for 70 seconds on every refusal but 403 (12.21), while documents end at once on 424; npm, yarn and bun
 * end at once on both. So what cannot be had now is 403 for a tarball, and 404 stays for what does not exist.
 */
const CANNOT_BE_HAD = 424;

export function renderProblem(problem: Problem, path = ""): Reply {
  const text = `holdfast: ${SAID[problem.kind] ?? problem.kind}: ${problem.message}`;
  const headers: Record<string, string> = {};
  // Optional questions end in 404 too, such as the audit after each install: npm prints those that matter by itself.
  if (problem.kind !== "notFound") headers["npm-notice"] = notice(text);
  if (problem.kind === "methodNotAllowed") headers["allow"] = "GET, HEAD";
  const isTarball = parseRoute("GET", path)?.kind === "tarball";
  const status = isTarball && problem.status === CANNOT_BE_HAD ? 403 : problem.status;
  return reply(
    status,
    "application/json",
    `${JSON.stringify({ error: text, message: text })}\n`,
    headers,
  );
}

/** As a header's value: one line of printable ASCII, not endless. */
export function notice(text: string): string {
  const line = text.replace(/[^\x20-\x7e]+/g, "?").trim();
  return line.length > 500 ? `${line.slice(0, 497)}...` : line;
}
