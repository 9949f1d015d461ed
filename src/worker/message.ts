// What crosses between the server and its threads: JSON text, of bounded length, in which a Problem stays a Problem.
import { Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";

/** Longest message, in characters: handing over holds up the loop. Twice what the largest signed release takes as base64. */
export const MESSAGE_LIMIT = 96 * 1024 * 1024;

/** A failure. */
interface PackedError {
  /** Null for a bug, whose stack is the message. */
  kind: Problem["kind"] | null;
  message: string;
  rule?: string | null;
  event?: string | null;
  detail?: Record<string, unknown> | null;
}

interface Answer {
  result?: unknown;
  error?: PackedError;
}

/** Throws Problem("malformed") when `job` is too long to be handed over. */
export function packJob(job: unknown, what: string, limit = MESSAGE_LIMIT): string {
  const text = JSON.stringify(job);
  if (text.length > limit) throw tooLong(what, "takes", text.length, limit);
  return text;
}

/** What came of a job. A result that is too long, or that is no JSON, is a failure. */
export async function packAnswer(
  work: () => Promise<unknown>,
  limit = MESSAGE_LIMIT,
): Promise<string> {
  try {
    const text = JSON.stringify({ result: await work() } satisfies Answer);
    if (text.length > limit) throw tooLong("The work", "gave", text.length, limit);
    return text;
  } catch (error) {
    return JSON.stringify({ error: packError(error) } satisfies Answer);
  }
}

/** The result; throws the failure. */
export function unpackAnswer(text: string): unknown {
  const { result, error } = JSON.parse(text) as Answer;
  if (error) throw unpackError(error);
  return result;
}

function tooLong(what: string, does: string, length: number, limit: number): Problem {
  return new Problem(
    "malformed",
    `${what} ${does} more than can be handed over: ${length} characters, ${limit} at most`,
  );
}

function packError(error: unknown): PackedError {
  const problem = error instanceof Problem ? error : shortageOf(error);
  if (problem) {
    const { kind, message, rule, event, detail } = problem;
    return { kind, message, rule, event, detail };
  }
  return {
    kind: null,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

function unpackError({ kind, message, rule, event, detail }: PackedError): Error {
  if (!kind) return new Error(message);
  return new Problem(kind, message, {
    ...(rule && { rule }),
    ...(event && { event }),
    ...(detail && { detail }),
  });
}
