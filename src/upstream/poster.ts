// A connection to one address that is posted to and answers in a few lines of text, with the care of any upstream. Redirects are not followed.
import { Problem } from "../core/problem.ts";
import { offline } from "./offline.ts";
import type { ReceiverSettings } from "./receiver.ts";
import { createUpstream, type UpstreamDeps } from "./upstreams.ts";

export interface Poster {
  readonly host: string;
  /** Whatever the status is. Throws a Problem when it cannot be asked, or says too much. */
  post(body: string): Promise<{ status: number; text: string }>;
  close(): void;
}

const LONGEST = 64 * 1024;

export function connectPoster(
  { url, ca, proxy, timeoutMs }: ReceiverSettings,
  deps: UpstreamDeps & { offline: boolean },
): Poster {
  const { origin, host } = new URL(url);
  const more = { ...(ca !== undefined && { ca }), ...(proxy !== undefined && { proxy }) };
  const settings = { url: `${origin}/`, hosts: [], timeoutMs, retryMs: 0, ...more };
  const upstreams = deps.offline ? null : createUpstream([settings], deps);
  const upstream = upstreams ?? offline();
  return {
    host,
    async post(body) {
      const answer = await upstream.fetch({
        path: url,
        method: "POST",
        headers: { "content-type": "text/plain; charset=utf-8", "accept-encoding": "identity" },
        body,
        follows: false,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of answer.body) {
        size += chunk.length;
        if (size > LONGEST)
          throw new Problem("malformed", `${host}: answers more than ${LONGEST} bytes`);
        chunks.push(chunk);
      }
      return { status: answer.status, text: Buffer.concat(chunks).toString() };
    },
    close: () => upstreams?.close(),
  };
}
