// One upstream over HTTP: asks, follows redirects it may follow, and tells answers from failures.
import packageJson from "../../package.json" with { type: "json" };
import { Problem } from "../core/problem.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../core/upstream.ts";
import { createAllowlist } from "./allowlist.ts";
import { type Body, createBody } from "./body.ts";
import type { Attempt, BreakerState } from "./breaker.ts";
import { framedHeaders, framingOf } from "./framing.ts";
import { createGate } from "./gate.ts";
import { baseOf, credentialFor, firstHop, type Hop, nextHop } from "./hops.ts";
import { createOrigin, type Origin } from "./origin.ts";
import { createProxy } from "./proxy.ts";
import { createBucket } from "./rate.ts";
import { reasonOf, Silence } from "./reasons.ts";
import type { UpstreamDeps, UpstreamSettings } from "./settings.ts";

export interface Client extends Upstream {
  /** The configured host, with its port where that is not the scheme's own. */
  readonly host: string;
  /** Of the configured host's breaker. */
  state(): BreakerState;
  /** Closes idle connections; also what runs through a tunnel. */
  close(): void;
}

const USER_AGENT = `holdfast/${packageJson.version}`;
const TIMEOUT_MS = 30_000;
const CONNECTIONS = 64;
const MAX_REDIRECTS = 5;
/** Below 500 and yet no answer to what was asked. 407 comes from a proxy. */
const NO_ANSWER = new Set([407, 408, 425, 429]);
/** How many are remembered; only a wildcard in `hosts` can lead to more. */
const MAX_ORIGINS = 100;

/** What the one who asks may still want of an exchange under way. */
type Caller = Pick<UpstreamRequest, "signal" | "pace">;

/** A hop under way: its headers are here, its body is not read. */
interface Reached {
  hop: Hop;
  response: Response;
  attempt: Attempt;
  control: AbortController;
  /** Stops listening to the caller's signal. */
  release(): void;
}

export function createClient(settings: UpstreamSettings, deps: UpstreamDeps): Client {
  const base = baseOf(settings);
  const { host } = base;
  const timeoutMs = settings.timeoutMs ?? TIMEOUT_MS;
  const allowlist = createAllowlist(base, settings.hosts, deps.allowPrivate);
  const gate = createGate(settings.connections ?? CONNECTIONS);
  const bucket = settings.maxRate ? createBucket(settings.maxRate, deps.now) : null;
  const proxy = createProxy(settings.proxy, settings.proxyPassword, timeoutMs, settings.ca);
  // Each origin has a breaker of its own, so that a dead file host does not silence the index beside it.
  const origins = new Map<string, Origin>();
  const home = originOf(base);

  function originOf(url: URL): Origin {
    const known = origins.get(url.origin);
    if (known) return known;
    const [, oldest = ""] = origins.keys(); // the first one is home
    if (origins.size >= MAX_ORIGINS) {
      origins.get(oldest)?.close();
      origins.delete(oldest);
    }
    const origin = createOrigin(url, { allowlist, ca: settings.ca, proxy }, deps);
    origins.set(url.origin, origin);
    return origin;
  }

  async function send(origin: Origin, hop: Hop, control: AbortController): Promise<Response> {
    const headers: Record<string, string> = { ...hop.headers, "user-agent": USER_AGENT };
    const credential = credentialFor(base, settings, hop.url);
    if (credential) headers["authorization"] = credential;
    const timer = setTimeout(() => control.abort(new Silence(timeoutMs)), timeoutMs);
    try {
      const response = origin.fetch(hop.url, {
        method: hop.method,
        headers,
        redirect: "manual",
        decompress: false,
        // Bun's own idle timer would count a slow reader of ours as silence.
        timeout: false,
        signal: control.signal,
        ...(hop.body !== undefined && { body: hop.body as BodyInit }),
      });
      return await untilAborted(response, control.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends once more what a kept connection, closed at that moment by the other end, may have swallowed. */
  async function sendTwice(origin: Origin, hop: Hop, control: AbortController): Promise<Response> {
    try {
      return await send(origin, hop, control);
    } catch (error) {
      if (hop.method === "POST" || !reasonOf(error).reset) throw error;
      return send(origin, hop, control);
    }
  }

  /** One hop until its headers. Throws Problem("unreachable") unless they are an answer, and tells breaker and metrics. */
  async function reach(hop: Hop, signal: AbortSignal | undefined): Promise<Reached> {
    signal?.throwIfAborted();
    const origin = originOf(hop.url);
    const attempt = origin.breaker.enter();
    const control = new AbortController();
    const onAbort = () => control.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const release = () => signal?.removeEventListener("abort", onAbort);
    const began = deps.now();
    const measure = (status: string) =>
      deps.metrics.exchange(deps.repository, host, status, (deps.now() - began) / 1000);

    function fail(text: string, absent: boolean, cause?: unknown): Problem {
      release();
      control.abort();
      attempt.failed(text, absent);
      return new Problem("unreachable", `${hop.url.host}: ${text}`, { cause });
    }

    let response: Response;
    try {
      response = await sendTwice(origin, hop, control);
    } catch (error) {
      // A Problem here is the allow-list's, before anything was sent.
      if (signal?.aborted || error instanceof Problem) {
        release();
        attempt.abandoned();
        throw error;
      }
      measure("error");
      const { text, absent } = reasonOf(error);
      throw fail(text, absent, error);
    }
    measure(String(response.status));
    if (response.status >= 500 || NO_ANSWER.has(response.status))
      throw fail(
        `${response.status === 407 ? "its proxy: " : ""}answered ${response.status}`,
        false,
      );
    attempt.answered();
    return { hop, response, attempt, control, release };
  }

  /** `done` is called once, when the body has ended in whichever way. */
  function bodyOf(reached: Reached, caller: Caller, done: () => void): Body {
    const { hop, response, attempt, control, release } = reached;
    return createBody(response.body, {
      host: hop.url.host,
      expected: framingOf(response).length,
      timeoutMs,
      bucket,
      pace: caller.pace,
      signal: caller.signal,
      abort: (reason) => control.abort(reason),
      received: (bytes) => deps.metrics.bytes(deps.repository, host, bytes),
      ended(failure) {
        if (failure === null) attempt.succeeded();
        else if (failure) attempt.failed(failure);
        else attempt.abandoned();
        release();
        done();
      },
    });
  }

  /** The hop that this one leads to and may lead to; a forbidden one ends the exchange. */
  function redirectOf({ hop, response, attempt, control, release }: Reached): Hop | null {
    try {
      const next = nextHop(hop, response);
      if (next) allowlist.check(next.url);
      return next;
    } catch (error) {
      attempt.abandoned();
      release();
      control.abort();
      throw error;
    }
  }

  /** Follows redirects to the end. `leave` is called when the last body has ended. */
  async function follow(first: Hop, caller: Caller, leave: () => void): Promise<UpstreamResponse> {
    let hop = first;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const reached = await reach(hop, caller.signal);
      const next = redirectOf(reached);
      if (!next) {
        const body = bodyOf(reached, caller, leave);
        return {
          status: reached.response.status,
          headers: framedHeaders(reached.response),
          body,
          isDelimited: framingOf(reached.response).isDelimited,
          discard: body.discard,
          upstream: host,
          url: hop.url.href,
        };
      }
      await bodyOf(reached, caller, () => undefined).discard();
      hop = next;
    }
    throw new Problem("unreachable", `${host}: redirects more than ${MAX_REDIRECTS} times`);
  }

  return {
    host,
    state: () => home.breaker.state(),
    unavailable: () => (home.breaker.refusal() === null ? null : "unreachable"),
    async fetch(request) {
      const hop = firstHop(base, request);
      allowlist.check(hop.url);
      // Said before waiting in line as well, which may be long while others find out.
      const refusal = originOf(hop.url).breaker.refusal();
      if (refusal) throw new Problem("unreachable", refusal);
      const leave = await gate.enter(request.signal);
      try {
        return await follow(hop, request, leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
    close() {
      for (const origin of origins.values()) origin.close();
    },
  };
}

/** The work's outcome, or the signal's reason as soon as it is aborted, even where the work takes no notice of it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
