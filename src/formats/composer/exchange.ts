// Questions to the upstream whose last answer is kept for when it is away.
import type { Answer, Question, Repository } from "../../core/format.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import { type CacheStatus, type Reply, reply } from "../../core/reply.ts";
import { rootRef } from "./documents.ts";
import type { Root } from "./root.ts";
import { isObject } from "./types.ts";

/** What the upstream's packages.json said: clients ask for ours, and so for news of it, at the start of each run. Throws a Problem. */
export async function rootOf(repository: Repository): Promise<Root> {
  return (await repository.model<Root>(rootRef, "stored")).model;
}

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

/** The JSON object in an answer with status 200; null for anything else. */
export function objectOf(answer: Answer | Problem): Record<string, unknown> | null {
  if (answer instanceof Problem || answer.status !== 200) return null;
  return parseObject(answer.bytes);
}

/** Null when it is no JSON object. */
export function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"),
    );
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function jsonReply(value: unknown, cache: CacheStatus | null = null): Reply {
  const made = reply(200, "application/json", `${JSON.stringify(value)}\n`);
  return cache ? { ...made, cache } : made;
}

/** How an answer came that was just given by the upstream. */
export function forwarded({ status, upstream }: Answer): CacheStatus {
  return { hit: false, fwd: "request", fwdStatus: status, upstream };
}

/** How an answer came that was kept since `at`; `why` is what kept the upstream from being asked. */
export function fromKept(repository: Repository, at: number, why: Answer | Problem): CacheStatus {
  const age = Math.max(0, Math.round((repository.now() - at) / 1000));
  const kind = why instanceof Problem ? why.kind : "refused";
  const detail = kind === "offline" || kind === "unreachable" ? kind : "refused";
  return { hit: true, detail, age };
}

/** The failure to report when nothing was kept either: what the upstream said, or why it could not be asked. */
export function refusal(answer: Answer | Problem, what: string): Problem {
  if (answer instanceof Problem) return answer;
  if (answer.status === 200)
    return new Problem("malformed", `The upstream's ${what} is not what it should be`);
  if ([400, 404, 405, 410].includes(answer.status))
    return new Problem("notFound", `The upstream has no ${what} (it answers ${answer.status})`);
  return new Problem("refused", `The upstream answers ${answer.status} when asked for its ${what}`);
}

/** Keeps a value that says when it was last true, to the day. */
export async function keepConfirmed(
  repository: Repository,
  key: string,
  bytes: Uint8Array,
): Promise<void> {
  const kept = await repository.kept(key);
  const isRecent = kept !== null && repository.now() - kept.at < CONFIRM_AFTER_MS;
  if (isRecent && Buffer.compare(kept.bytes, bytes) === 0) return;
  await repository.keep(key, bytes);
}

/** Of one question. Each is kept by itself, and projects have some hundreds. */
const NAMES_LIMIT = 10_000;

/** Throws Problem("tooLarge") for a question about more packages than any project has. */
export function refuseMany(names: readonly string[]): void {
  if (names.length > NAMES_LIMIT)
    throw new Problem("tooLarge", `A question about ${names.length} packages is too large`);
}

const CONFIRM_AFTER_MS = 24 * 60 * 60 * 1000;
const BATCH = 50;

/** Some at a time: each is a read or a write of the database. */
export async function inBatches<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH)
    await Promise.all(items.slice(at, at + BATCH).map(work));
}
