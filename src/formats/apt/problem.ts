// A failure as apt shows it: it prints the status line, and a person with a browser the text.
import { challenge } from "../../core/challenge.ts";
import type { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";

/** dput-ng goes on after a 403, and ends as if all had been published. */
const REFUSED_UPLOAD = 400;

/** apt takes any 4xx as final for one file, and goes on with the others. */
export function problemReply(problem: Problem, path = ""): Reply {
  const message = problem.kind === "internal" ? "an error of this server" : problem.message;
  const body = `holdfast: ${message}\n`;
  // The path that it may repeat is the client's own text.
  const headers = { "x-content-type-options": "nosniff", ...challenge(problem) };
  const isUpload = path.startsWith("/-/upload/");
  const status = isUpload && problem.status === 403 ? REFUSED_UPLOAD : problem.status;
  return reply(status, "text/plain; charset=utf-8", body, headers);
}
