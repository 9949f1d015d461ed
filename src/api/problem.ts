// Failures as RFC 9457 has them.

import { z } from "zod";
import { challenge } from "../core/challenge.ts";
import type { Problem } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import { WrongFields } from "./endpoint.ts";

export const ProblemBody = z
  .object({
    type: z.literal("about:blank"),
    title: z.string().describe("What the status is called"),
    status: z.number().int(),
    detail: z.string().describe("What failed and why, in a sentence"),
    kind: z.string().describe("What failed, in one word of this server"),
    rule: z.string().optional().describe("The rule that refused it"),
    errors: z
      .array(z.object({ field: z.string(), detail: z.string() }))
      .optional()
      .describe("Each mistake in what was sent"),
  })
  .meta({ id: "Problem" });

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  424: "Failed Dependency",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export function problemReply(problem: Problem): Reply {
  const { status, message: detail, kind, rule } = problem;
  const body: z.infer<typeof ProblemBody> = {
    type: "about:blank",
    title: TITLES[status] ?? "Error",
    status,
    detail,
    kind,
    ...(rule !== null && { rule }),
    ...(problem instanceof WrongFields && { errors: [...problem.mistakes] }),
  };
  return reply(status, "application/problem+json", `${JSON.stringify(body)}\n`, {
    "cache-control": "no-store",
    ...challenge({ status }),
  });
}
