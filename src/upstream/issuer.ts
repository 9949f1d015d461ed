// Connections to the systems that vouch for people and jobs: each to its own host and those that are listed, with the care of any upstream.
import type { IssuerFetch, IssuerRequest } from "../core/identity.ts";
import { Problem } from "../core/problem.ts";
import type { Upstream } from "../core/upstream.ts";
import { offline } from "./offline.ts";
import { createUpstream, type UpstreamDeps } from "./upstreams.ts";

export interface IssuerSettings {
  /** http(s) URL. */
  issuer: string;
  /** Other hosts that its documents may name. */
  hosts?: readonly string[];
  /** PEM. */
  ca?: string | undefined;
  proxy?: string | undefined;
}

export interface IssuerConnection {
  fetch: IssuerFetch;
  close(): void;
}

/** Discovery documents and key sets are a few kilobytes. */
const LIMIT = 1024 * 1024;
const TIMEOUT_MS = 10_000;
const RETRY_MS = 2_000;

export function connectIssuer(
  settings: IssuerSettings,
  deps: UpstreamDeps & { offline: boolean },
): IssuerConnection {
  const { origin } = new URL(settings.issuer);
  const upstreams = deps.offline
    ? null
    : createUpstream(
        [
          {
            url: `${origin}/`,
            hosts: [...(settings.hosts ?? [])],
            timeoutMs: TIMEOUT_MS,
            retryMs: RETRY_MS,
            ...(settings.ca !== undefined && { ca: settings.ca }),
            ...(settings.proxy !== undefined && { proxy: settings.proxy }),
          },
        ],
        deps,
      );
  return {
    fetch: (url, init) => ask(upstreams ?? offline(), url, init),
    close: () => upstreams?.close(),
  };
}

async function ask(upstream: Upstream, url: string, init: IssuerRequest = {}): Promise<Response> {
  const { method = "GET", headers = {}, body } = init;
  const answer = await upstream.fetch({
    path: url,
    method,
    headers: { ...headers, "accept-encoding": "identity" },
    ...(body !== undefined && { body }),
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > LIMIT) {
      await answer.discard();
      throw new Problem(
        "malformed",
        `${answer.upstream}: its answer is larger than ${LIMIT} bytes`,
      );
    }
    parts.push(chunk);
  }
  const plain = new Headers();
  for (const name of ["content-type", "www-authenticate", "location"])
    if (answer.headers.has(name)) plain.set(name, answer.headers.get(name)!);
  return new Response(size > 0 ? Buffer.concat(parts) : null, {
    status: answer.status,
    headers: plain,
  });
}
