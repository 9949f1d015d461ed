// The way to the server that this one follows.
import { type FollowConfig, primaryOf } from "../config/follow.ts";
import { printable } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import type { Primary } from "../follow/primary.ts";
import { offline } from "../upstream/offline.ts";
import { createUpstream, type UpstreamDeps } from "../upstream/upstreams.ts";

export interface PrimaryWay extends Primary {
  readonly host: string;
  /** Aborted by `close`. */
  readonly signal: AbortSignal;
  /** It is asked with that token from now on. */
  use(token: string): void;
  /** Ends what is being asked. */
  close(): void;
}

export function connectPrimary(
  config: FollowConfig,
  { offline: isOffline, ...deps }: UpstreamDeps & { offline: boolean },
): PrimaryWay {
  const { host } = new URL(config.url);
  const open = (token: string) =>
    createUpstream([{ ...primaryOf(config, ""), url: `${config.url}/`, token }], deps);
  let opened = isOffline ? null : open(config.token);
  let isClosed = false;
  const { timeoutMs } = config;
  const ending = new AbortController();
  const headers = { "accept-encoding": "identity", accept: "*/*" };

  async function bytesOf(answer: UpstreamResponse, limit: number): Promise<Uint8Array> {
    if (answer.status !== 200) {
      const said = wordsOf(Buffer.from(await collect(answer, SAID)).toString());
      const kind = REFUSALS[answer.status];
      if (kind) throw new Problem(kind, `${host} refuses the token of this server: ${said}`);
      throw new Problem("refused", `${host} answered ${answer.status}: ${said}`);
    }
    return collect(answer, limit);
  }

  async function collect(answer: UpstreamResponse, limit: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > limit) {
        await answer.discard();
        throw new Problem("malformed", `${host} answers more than ${limit} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  }

  return {
    host,
    async read(path, limit) {
      const answer = await (opened ?? offline()).fetch({
        path: path.slice(1),
        headers,
        follows: false,
        signal: ending.signal,
      });
      if (answer.status !== 404) return bytesOf(answer, limit);
      await answer.discard();
      return null;
    },
    async post(path, body, limit) {
      const answer = await (opened ?? offline()).fetch({
        path: path.slice(1),
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body),
        follows: false,
        signal: AbortSignal.any([ending.signal, AbortSignal.timeout(10 * timeoutMs)]),
      });
      return bytesOf(answer, limit);
    },
    signal: ending.signal,
    use(token) {
      if (!opened || isClosed) return;
      opened.close();
      opened = open(token);
    },
    close() {
      isClosed = true;
      ending.abort(new Problem("unreachable", "This server stops"));
      opened?.close();
    },
  };
}

/** Of what it says to a refusal. */
const SAID = 4096;
/** It knows the token no more, or does not let it follow. */
const REFUSALS: Record<number, "unauthenticated" | "forbidden"> = {
  401: "unauthenticated",
  403: "forbidden",
};

/** Of a problem as the API gives it its sentence, else the text. */
function wordsOf(body: string): string {
  try {
    const { detail, title } = JSON.parse(body);
    const words = detail ?? title;
    if (typeof words === "string") return printable(words);
  } catch {
    // It is none.
  }
  return printable(body.trim()) || "and no word";
}
