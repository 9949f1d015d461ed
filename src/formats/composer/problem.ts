// Failures in Composer's dialect: it prints the `warning` of a JSON body. composer/composer, HttpDownloader::outputWarnings
import { challenge } from "../../core/challenge.ts";
import type { Problem, ProblemKind } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import { parseRoute } from "./routes.ts";

// Kinds are words for operators and tests; a person who installs reads these.
const SAID: Partial<Record<ProblemKind, string>> = {
  notFound: "not found",
  methodNotAllowed: "not possible here",
  badRequest: "bad request",
  tooLarge: "too large",
  internal: "internal error",
};

/**
 * Composer 2 asks for a user name on 403 where it can, and asks sixteen times on 500, 502, 503 and 504; on 424 it stops at once. 404 is
 * for what does not exist: it goes on without a word (measured with 2.5; README.md).
 */
const CANNOT_BE_HAD = 424;

export function renderProblem(problem: Problem, path = ""): Reply {
  const text = `holdfast: ${SAID[problem.kind] ?? problem.kind}: ${problem.message}`;
  const headers = challenge(problem);
  if (problem.kind === "methodNotAllowed") headers["allow"] = "GET, HEAD";
  // Who publishes is no Composer: curl, a plugin, a pipeline.
  const isRead = path === "" || parseRoute("GET", path) !== null;
  const status = isRead && [403, 503].includes(problem.status) ? CANNOT_BE_HAD : problem.status;
  // Exactly this type, without a charset: else Composer does not look into it.
  const body = isSilent(problem, path) ? { error: text } : { warning: text };
  return reply(status, "application/json", `${JSON.stringify(body)}\n`, headers);
}

/** Each update asks for names that nobody has. A private one is told of, once: its branches are asked for too. */
function isSilent({ kind, rule }: Problem, path: string): boolean {
  if (kind !== "notFound") return false;
  const route = parseRoute("GET", path);
  if (route?.kind === "providers") return true;
  return route?.kind === "package" && (route.dev || rule !== "claims");
}
