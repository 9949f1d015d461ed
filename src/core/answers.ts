// Answers of an upstream to questions, the last of which is kept for when it is away: what formats do with them alike.

import { isUtf8 } from "node:buffer";
import { jsonFault, readJson } from "./json.ts";
import { cannotAsk, Problem } from "./problem.ts";
import type { Answer, Question } from "./question.ts";
import { type CacheStatus, type Reply, reply } from "./reply.ts";
import type { Repository } from "./repository.ts";
import type { Request } from "./request.ts";

/** The upstream's answer, or the Problem that says why there is none. */
export async function tryAsk(
  repository: Repository,
  question: Question,
): Promise<Answer | Problem> {
  try {
    return await repository.ask(question);
  } catch (error) {
    if (cannotAsk(error)) return error;
    throw error;
  }
}

/** A JSON object in an answer with status 200; null for anything else. */
export function jsonOf(answer: Answer | Problem): unknown {
  if (answer instanceof Problem || answer.status !== 200) return null;
  return parseJson(answer.bytes);
}

/** Null when it is no JSON, or nested without end. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return readJson(bytes);
  } catch {
    return null;
  }
}

/**
 * The JSON that a client sent, within limits of bytes and of entries (see core/json.ts). Throws Problem("tooLarge") past them and
 * Problem("badRequest") for what is no JSON.
 */
export async function requestJson(
  request: Pick<Request, "body">,
  limits: { bytes: number; values: number },
): Promise<unknown> {
  const bytes = await request.body(limits.bytes);
  const fault = jsonFault(bytes, limits.values);
  if (fault) throw new Problem("tooLarge", `The JSON of the request's body ${fault}`);
  if (!isUtf8(bytes))
    throw new Problem("badRequest", "The request's body is not UTF-8, as JSON must be");
  try {
    return readJson(bytes);
  } catch (error) {
    throw new Problem("badRequest", "The request's body is not JSON", { cause: error });
  }
}

/** Of one question. What is known of each name is kept by itself, and projects have some hundreds. */
export const NAMES_LIMIT = 10_000;

/** Throws Problem("tooLarge") for a question about more packages than any project has. */
export function refuseMany(count: number): void {
  if (count > NAMES_LIMIT)
    throw new Problem(
      "tooLarge",
      `A question about ${count} packages is too large: ${NAMES_LIMIT} is the most`,
    );
}

export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function jsonReply(
  status: number,
  value: unknown,
  cache: CacheStatus | null = null,
  headers: Record<string, string> = {},
): Reply {
  const made = reply(status, "application/json", `${JSON.stringify(value)}\n`, headers);
  return cache ? { ...made, cache } : made;
}

/** How an answer came that was just given by the upstream. */
export function forwarded(answer: Answer): CacheStatus {
  return {
    hit: false,
    fwd: "request",
    fwdStatus: answer.status,
    upstream: answer.upstream,
  };
}

/** How an answer came that was kept since `at`; `why` is what kept the upstream from being asked. */
export function fromKept(repository: Repository, at: number, why: Answer | Problem): CacheStatus {
  const age = Math.max(0, Math.round((repository.now() - at) / 1000));
  const kind = why instanceof Problem ? why.kind : "refused";
  const detail = kind === "offline" || kind === "unreachable" ? kind : "refused";
  return { hit: true, detail, age };
}

/** The failure to report when nothing was kept either: what the upstream said, or why it could not be asked. */
export function noAnswer(answer: Answer | Problem, what: string): Problem {
  if (answer instanceof Problem) return answer;
  if (answer.status === 200)
    return new Problem("malformed", `The upstream's ${what} is not what it should be`);
  if ([400, 404, 405, 410].includes(answer.status))
    return new Problem("notFound", `The upstream has no ${what} (it answers ${answer.status})`);
  return new Problem("refused", `The upstream answers ${answer.status} when asked for its ${what}`);
}
