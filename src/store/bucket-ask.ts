// Asks a bucket that speaks S3: signed, with an end to silence, and a few times where that may help.
import { AwsV4Signer } from "aws4fetch";
import type { BucketKey } from "../core/bucket-key.ts";
import { wordsFor } from "../core/connection.ts";
import { Problem } from "../core/problem.ts";
import { createKeys } from "./bucket-keys.ts";
import {
  awayProblem,
  type BucketPlace,
  isKeyRefused,
  type Said,
  saidProblem,
  urlOf,
} from "./bucket-place.ts";
import { tagOf } from "./bucket-xml.ts";

export interface BucketTimes {
  /** How long it may say nothing before it is given up. Milliseconds. */
  silenceMs: number;
  /** Before the first time that something is tried again; then twice as long. Milliseconds. */
  pauseMs: number;
}

const TIMES: BucketTimes = { silenceMs: 10_000, pauseMs: 200 };
/** How often what can be done twice is tried. */
const TRIES = 3;
/** What is sent may take the silence and this rate's time: what is sent cannot be seen to arrive. Bytes in a second. */
const SLOWEST = 64 * 1024;
/** Of an answer that is looked at as a whole, of which a page of a list of 1,000 names is the longest. Bytes. */
const ANSWER = 4 * 1024 * 1024;
/** No answer to any question, whatever the status. */
const NEVER = ["NoSuchBucket", "XAdminUserNotFound"];
/** Bytes that are summed before others have their turn: half a millisecond. */
const AT_ONCE = 256 * 1024;
/** SHA-256 of nothing. */
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export interface Question {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  /** Of the body, which the other end compares. */
  sha256?: string;
  /** Whether it is asked once alone: doing it twice is something else. */
  isOnce?: boolean;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** S3's word for what went wrong; empty where nothing did, or nothing is said. */
  code: string;
  /** What it says of that to people; may be empty. */
  message: string;
  /** All of a small answer, as text. */
  text: string;
  /** The bytes of an object, for `GET` alone; throws a Problem("busy") when they stop. To be read to the end, or returned. */
  chunks: AsyncGenerator<Uint8Array>;
}

export interface Ask {
  /** What is neither a success nor one of `expected` is a Problem, and so is a bucket that is not there. */
  (question: Question, expected?: readonly number[]): Promise<Answer>;
  /** A URL that whoever has it can read the object by, for so long. */
  link(
    path: string,
    method: "GET" | "HEAD",
    seconds: number,
    headers: Record<string, string>,
  ): Promise<string>;
}

export function createAsk(place: BucketPlace, times: Partial<BucketTimes> = {}): Ask {
  const { silenceMs, pauseMs } = { ...TIMES, ...times };
  const signing = new Map<string, ArrayBuffer>();
  const source = createKeys(place, silenceMs);
  const signer = ({ accessKey, secretKey, sessionToken }: BucketKey) => ({
    ...{ accessKeyId: accessKey, secretAccessKey: secretKey },
    ...(sessionToken !== null && { sessionToken }),
    ...{ region: place.region, service: "s3", cache: signing },
  });
  const tls = place.ca === null ? {} : { tls: { ca: place.ca } };

  async function once(question: Question, key: BucketKey, sum: string | null): Promise<Answer> {
    const { method, path, query = {}, headers = {}, body, sha256 = NOTHING } = question;
    const url = urlOf(place, path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signed = await new AwsV4Signer({
      ...signer(key),
      method,
      url: url.href,
      headers: {
        ...headers,
        ...(sum !== null && { "content-md5": sum }),
        "x-amz-content-sha256": sha256,
      },
    }).sign();
    dropOldKeys(signing);
    signed.headers.set("accept-encoding", "identity"); // not signed: what stands between may change it
    const silence = createSilence(silenceMs + ((body?.length ?? 0) / SLOWEST) * 1000, () =>
      awayProblem(place, "does not answer"),
    );
    silence.heard();
    try {
      const response = await silence.until(
        fetch(signed.url.href, {
          method,
          headers: signed.headers,
          ...(body && { body }),
          redirect: "manual",
          signal: silence.signal,
          ...tls,
        }),
      );
      const isObject = method === "GET" && response.status < 300 && path !== "";
      const chunks = read(response, createSilence(silenceMs, silence.problem), place);
      const text = isObject ? "" : await whole(chunks);
      const isError = /<Error[ >]/.test(text);
      const said = (name: string) => (isError ? (tagOf(text, name) ?? "") : "");
      return {
        ...{ status: response.status, headers: response.headers, text, chunks },
        ...{ code: said("Code"), message: said("Message") },
      };
    } catch (error) {
      throw silence.told(error, place);
    } finally {
      silence.end();
    }
  }

  async function ask(question: Question, expected: readonly number[] = []): Promise<Answer> {
    const sum = question.body ? await md5(question.body) : null;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt >= TRIES;
      const key = await source.current();
      try {
        const answer = await once(question, key, sum);
        // What is completed may fail after it was said to go well.
        const isGood = answer.status < 300 && answer.code === "";
        if (isGood && !isItself(question, answer)) {
          await answer.chunks.return(undefined);
          throw awayProblem(place, `is not what answers at ${place.endpoint} (${answer.status})`);
        }
        const isExpected = expected.includes(answer.status) && !NEVER.includes(answer.code);
        if (isGood || isExpected) return answer;
        await answer.chunks.return(undefined);
        const isOtherKey = isKeyRefused(answer.code) && (await source.isOther(key));
        const isPassed = isUndone(answer) || (!question.isOnce && isPassing(answer));
        if (isLast || !(isOtherKey || isPassed))
          throw saidProblem({ ...place, ...key }, saidOf(answer));
      } catch (error) {
        if (isLast || question.isOnce || !isLost(error)) throw error;
      }
      await pause(pauseMs * 2 ** (attempt - 1));
    }
  }

  return Object.assign(ask, {
    async link(
      path: string,
      method: "GET" | "HEAD",
      seconds: number,
      headers: Record<string, string>,
    ) {
      const url = urlOf(place, path);
      url.searchParams.set("X-Amz-Expires", String(seconds));
      for (const [name, value] of Object.entries(headers))
        url.searchParams.set(`response-${name}`, value);
      const signed = await new AwsV4Signer({
        ...signer(await source.current()),
        method,
        url: url.href,
        signQuery: true,
      }).sign();
      dropOldKeys(signing);
      return signed.url.href;
    },
  });
}

/**
 * Whether it may be a service that speaks S3 which says yes: a proxy, a filter or a portal answers anything with a page of its own. What is taken for an
 * object would be false bytes, and what is taken for stored would be nowhere.
 */
function isItself({ method, path }: Question, { headers, text }: Answer): boolean {
  // Objects that were put into a gateway's folder by hand have no stamp, and perhaps a type that was guessed.
  if (headers.has("x-amz-request-id")) return true;
  const isRead = method === "GET" || method === "HEAD";
  // A yes to a write has no words, and some services say of those that they are HTML.
  const isPage = isRead || text !== "";
  if (isPage && /^text\/html/i.test(headers.get("content-type") ?? "")) return false;
  const isOfObject = path !== "" && (isRead || method === "PUT");
  return !isOfObject || headers.has("etag");
}

/** There is one for each day. */
function dropOldKeys(keys: Map<string, ArrayBuffer>): void {
  for (const key of keys.keys()) if (keys.size > 2) keys.delete(key);
}

function saidOf({ status, code, message, headers, text }: Answer): Said {
  const at = Date.parse(headers.get("date") ?? "");
  const region = headers.get("x-amz-bucket-region") ?? tagOf(text, "Region");
  return { status, code, message, region, at: Number.isNaN(at) ? null : at };
}

/** It says that it did nothing: what came is not what was sent, or it has too much to do. May be sent once more, whatever it is. */
const UNDONE = [
  "SlowDown",
  "ConditionalRequestConflict",
  "OperationAborted",
  "BadDigest",
  "XAmzContentSHA256Mismatch",
  // versitygw, whose folder went with the last name in it at this moment: no name here stands below another.
  "ExistingObjectIsDirectory",
];

function isUndone({ status, code }: Answer): boolean {
  return status === 429 || UNDONE.includes(code);
}

/** It may go well the next time. */
function isPassing({ status, code }: Answer): boolean {
  return (
    [500, 502, 503, 504].includes(status) || ["InternalError", "RequestTimeout"].includes(code)
  );
}

/** The connection went, or none came about: a silence has had its time, and is not waited for once more. */
function isLost(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Lost;
}

class Lost extends Error {}

/** What came is no answer, in words of this file. */
class Odd extends Error {}

interface Silence {
  readonly signal: AbortSignal;
  /** What `work` comes to, or the silence. */
  until<T>(work: Promise<T>): Promise<T>;
  /** Something was heard: from now on it may be silent again. */
  heard(): void;
  end(): void;
  problem(): Error;
  /** What a failure is, in words. */
  told(error: unknown, place: BucketPlace): unknown;
}

function createSilence(ms: number, problem: () => Error): Silence {
  const controller = new AbortController();
  const silent = Promise.withResolvers<never>();
  silent.promise.catch(() => {}); // nobody may be waiting
  const give = () => {
    const error = problem();
    silent.reject(error);
    controller.abort(error);
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    signal: controller.signal,
    until: (work) => {
      work.catch(() => {}); // it is aborted where the silence was first
      return Promise.race([work, silent.promise]);
    },
    heard() {
      clearTimeout(timer);
      timer = setTimeout(give, ms);
    },
    end: () => clearTimeout(timer),
    problem,
    told(error, place) {
      if (controller.signal.aborted) return controller.signal.reason;
      if (error instanceof Problem) return error;
      const { message } = error as Error;
      const why = error instanceof Odd ? message : wordsFor(error);
      return awayProblem(place, `cannot be reached: ${why}`, new Lost(message));
    },
  };
}

/** The bytes as they come; each wait for the next has its end. Who returns it lets go of the connection, begun or not. */
function read(
  response: Response,
  silence: Silence,
  place: BucketPlace,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  const end = () => {
    silence.end();
    reader?.cancel().catch(() => {}); // it may have ended by itself
  };
  const chunks = pieces();
  const finish = chunks.return.bind(chunks);
  chunks.return = (value) => {
    end();
    return finish(value);
  };
  return chunks;

  async function* pieces(): AsyncGenerator<Uint8Array> {
    const promised = Number(response.headers.get("content-length") ?? 0);
    let size = 0;
    try {
      while (reader) {
        silence.heard();
        const { done, value } = await silence.until(reader.read());
        silence.end();
        if (done && size < promised) throw new Odd("the answer is cut");
        if (done) return;
        size += value.length;
        yield value;
      }
    } catch (error) {
      throw silence.told(error, place);
    } finally {
      end();
    }
  }
}

/** Throws where there is more than belongs there: half a list is none. */
async function whole(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > ANSWER) throw new Odd("its answer does not end");
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

/**
 * Not all compare what `x-amz-content-sha256` says (SeaweedFS does not); this they do, and a bucket with Object Lock wants to have it. Requests have
 * their turn after each `AT_ONCE`: a part of an upload takes as long as hundreds of them.
 */
async function md5(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Bun.CryptoHasher("md5");
  for (let at = 0; at < bytes.length; at += AT_ONCE) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    hash.update(bytes.subarray(at, at + AT_ONCE));
  }
  return hash.digest("base64");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
