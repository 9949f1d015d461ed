// Exchanges with the upstream that are no documents: answered, not stored, but for what the upstream does not have.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Problem } from "../core/problem.ts";
import type { Answer, Question } from "../core/question.ts";
import type { Upstream, UpstreamResponse } from "../core/upstream.ts";
import { type Absences, isSilence } from "./absences.ts";
import { codingsOf, isGzip, refuseUnknown } from "./codings.ts";

const ANSWER_LIMIT = 16 * 1024 * 1024;
const gunzipBeside = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(gunzip);

/** See `Repository.ask`. */
export function createAsk(upstream: Upstream, absences: Absences) {
  async function ask(question: Question): Promise<Answer> {
    const isPlain = (question.method ?? "GET") === "GET" && question.body === undefined;
    const key = isPlain ? [question.path] : null;
    let answer: Answer;
    try {
      answer = await exchange(question);
    } catch (error) {
      const known = key && isSilence(error) ? await absences.find("question", key) : null;
      if (!known) throw error;
      const { said, status } = known;
      return { status, headers: new Headers(), bytes: new Uint8Array(), upstream: said };
    }
    const { status } = answer;
    // A full disk keeps nobody from an answer.
    if (key && (status === 404 || status === 410))
      await absences.keep("question", key, answer.upstream, status).catch(() => {});
    if (key && status === 200) await absences.forget("question", key).catch(() => {});
    return answer;
  }

  async function exchange(question: Question): Promise<Answer> {
    const response = await upstream.fetch({
      path: question.path,
      package: question.package,
      ...(question.method && { method: question.method }),
      ...(question.headers && { headers: question.headers }),
      ...(question.body !== undefined && { body: question.body }),
    });
    const limit = question.limit ?? ANSWER_LIMIT;
    const raw = await collect(response, limit);
    if (response.status === 200) refuseUnknown(response, question.path);
    const isPacked = codingsOf(response).length > 0 && isGzip(raw);
    return {
      status: response.status,
      headers: response.headers,
      bytes: isPacked ? await gunzipAnswer(raw, limit, response.upstream) : raw,
      upstream: response.upstream,
    };
  }

  return ask;
}

async function collect({ body, upstream }: UpstreamResponse, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit)
      throw new Problem("malformed", `The answer of ${upstream} is larger than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function gunzipAnswer(raw: Uint8Array, limit: number, upstream: string): Promise<Uint8Array> {
  try {
    return await gunzipBeside(raw, { maxOutputLength: limit });
  } catch (error) {
    throw new Problem("malformed", `The answer of ${upstream} is not whole gzip data`, {
      cause: error,
    });
  }
}
