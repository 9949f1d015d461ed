// A failure as the go command shows it: it prints a body only when that is text/plain.
import { challenge } from "../../core/challenge.ts";
import type { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";

/**
 * A GOPROXY list goes on to its next entry after 404 and 410 only, so those are for what truly is not there; everything
 * else stops the command. https://go.dev/ref/mod#goproxy-protocol
 */
export function problemReply(problem: Problem): Reply {
  const message = problem.kind === "internal" ? "an error of this server" : problem.message;
  const body = `holdfast: ${problem.kind}: ${message}\n`;
  return reply(problem.status, "text/plain; charset=utf-8", body, challenge(problem));
}
