// Connections to the receivers of hooks: each to the one address that the operator gave, with the care of any upstream. Redirects are not followed.
import type { Outcome } from "../core/hook.ts";
import { Problem } from "../core/problem.ts";
import type { Unavailable, Upstream } from "../core/upstream.ts";
import { Failure } from "./exchange.ts";
import { offline } from "./offline.ts";
import { createUpstream, type UpstreamDeps } from "./upstreams.ts";

export interface ReceiverSettings {
  /** http(s) URL. What stands behind the host may be a secret: it is in no message. */
  url: string;
  /** PEM, beside the public authorities. */
  ca?: string | undefined;
  proxy?: string | undefined;
  /** How long all of one exchange may take. */
  timeoutMs: number;
}

export interface Receiver {
  /** Of the URL: the host, with its port where that is not the scheme's own. */
  readonly host: string;
  unavailable(): Unavailable;
  /** Any 2xx is a yes. Never throws. */
  post(body: string, headers: Record<string, string>): Promise<Outcome>;
  close(): void;
}

export function connectReceiver(
  settings: ReceiverSettings,
  deps: UpstreamDeps & { offline: boolean },
): Receiver {
  const { url, ca, proxy, timeoutMs } = settings;
  const { origin, host } = new URL(url);
  const upstreams = deps.offline
    ? null
    : createUpstream(
        [
          {
            url: `${origin}/`,
            hosts: [],
            timeoutMs,
            retryMs: 0, // who waits for it can wait longer
            ...(ca !== undefined && { ca }),
            ...(proxy !== undefined && { proxy }),
          },
        ],
        deps,
      );
  const upstream: Upstream = upstreams ?? offline();
  return {
    host,
    unavailable: () => upstream.unavailable(),
    async post(body, headers) {
      if (deps.offline) return { isTold: false, why: "this server runs offline" };
      const late = new Problem(
        "unreachable",
        `${host}: did not answer within ${timeoutMs / 1000} s`,
      );
      const control = new AbortController();
      const timer = setTimeout(() => control.abort(late), timeoutMs);
      try {
        const answer = await upstream.fetch({
          path: url,
          method: "POST",
          headers: { ...headers, "accept-encoding": "identity" },
          body,
          follows: false,
          signal: control.signal,
        });
        await answer.discard();
        return outcomeOf(host, answer.status);
      } catch (error) {
        const waitMs = error instanceof Failure ? error.retryAfterMs : null;
        const why = error instanceof Error ? error.message : String(error);
        return { isTold: false, why, ...(waitMs !== null && { waitMs }) };
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => upstreams?.close(),
  };
}

function outcomeOf(host: string, status: number): Outcome {
  if (status >= 200 && status < 300) return { isTold: true };
  const answered = `${host}: answered ${status}`;
  if (status < 400)
    return { isTold: false, why: `${answered}, which leads elsewhere: give the hook that address` };
  if (status === 410) return { isTold: false, why: `${answered}: it is gone`, isFinal: true };
  return { isTold: false, why: answered };
}
