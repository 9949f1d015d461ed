// One upstream over HTTP: asks, tries again, follows redirects it may follow, and tells answers from failures.
import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "../core/problem.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../core/upstream.ts";
import { createAllowlist } from "./allowlist.ts";
import { type Body, createBody } from "./body.ts";
import type { Breaker } from "./breaker.ts";
import { createExchanges, Failure, type Reached } from "./exchange.ts";
import { framedHeaders, framingOf } from "./framing.ts";
import { createGate } from "./gate.ts";
import { baseOf, firstHop, type Hop, nextHop } from "./hops.ts";
import { createOrigins } from "./origins.ts";
import { createProxy } from "./proxy.ts";
import { createBucket } from "./rate.ts";
import { createRetries } from "./retry.ts";
import type { UpstreamDeps, UpstreamSettings } from "./settings.ts";
import { createTroubles } from "./troubles.ts";

export interface Client extends Pick<Upstream, "unavailable"> {
  /** The configured host, with its port where that is not the scheme's own. */
  readonly host: string;
  /** The configured host's. */
  readonly breaker: Pick<Breaker, "state" | "reason" | "answers" | "health">;
  /** As `Upstream.fetch`. `began`: since when the caller waits. */
  fetch(request: UpstreamRequest, began: number): Promise<UpstreamResponse>;
  /** Whether exchanges run, or wait for their turn. */
  isBusy(): boolean;
  /** Closes idle connections; also what runs through a tunnel. */
  close(): void;
}

const TIMEOUT_MS = 30_000;
const RETRY_MS = 5_000;
const MIN_RATE = 1024;
const CONNECTIONS = 64;
/** Of the places, these are not for what may take long. */
const SHORT_SHARE = 1 / 4;
const MAX_REDIRECTS = 5;

/** What the one who asks may still want of an exchange under way. */
interface Caller {
  signal: AbortSignal | undefined;
  pace: UpstreamRequest["pace"];
  follows: UpstreamRequest["follows"];
}

/** How the body ended: whole (null), given up by us (undefined), or why it failed. */
type Ended = (failure: string | null | undefined) => void;

export function createClient(settings: UpstreamSettings, deps: UpstreamDeps): Client {
  const base = baseOf(settings);
  const { host } = base;
  const { ca, timeoutMs = TIMEOUT_MS, retryMs = RETRY_MS } = settings;
  const allowlist = createAllowlist(base, settings.hosts, deps.allowPrivate);
  const places = settings.connections ?? CONNECTIONS;
  const gate = createGate(places, Math.floor(places * SHORT_SHARE));
  const bucket = settings.maxRate ? createBucket(settings.maxRate, deps.now) : null;
  const proxy = createProxy(settings.proxy, settings.proxyPassword, timeoutMs, ca);
  const exchanges = createExchanges(base, { ...settings, timeoutMs }, deps);
  const origins = createOrigins(base, { allowlist, ca, proxy }, exchanges.probe, deps);
  const troubles = createTroubles(deps.now);

  function bodyOf(reached: Reached, caller: Caller, ended: Ended): Body {
    const { hop, response, attempt, control, release } = reached;
    return createBody(response.body, {
      host: hop.url.host,
      expected: framingOf(response).length,
      timeoutMs,
      bucket,
      minRate: settings.minRate ?? MIN_RATE,
      now: deps.now,
      pace: caller.pace,
      signal: caller.signal,
      abort: (reason) => control.abort(reason),
      received: (bytes) => deps.metrics.bytes(deps.repository, host, bytes),
      ended(failure) {
        if (failure === null) attempt.succeeded();
        else attempt.abandoned(); // its headers came: a body that breaks is this path's trouble
        release();
        ended(failure);
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
      const reached = await exchanges.reach(origins.of(hop.url), hop, caller.signal);
      const next = caller.follows === false ? null : redirectOf(reached);
      if (!next) {
        const body = bodyOf(reached, caller, (failure) => {
          if (failure === null) troubles.cleared(first);
          else if (failure) troubles.failed(first, `${hop.url.host}: ${failure}`);
          leave();
        });
        return {
          status: reached.response.status,
          headers: framedHeaders(reached.response),
          body,
          isDelimited: framingOf(reached.response).isDelimited,
          discard: body.discard,
          upstream: host,
          url: hop.url.href,
          isRedirected: redirects > 0,
        };
      }
      await bodyOf(reached, caller, () => undefined).discard();
      hop = next;
    }
    throw new Problem("unreachable", `${host}: redirects more than ${MAX_REDIRECTS} times`);
  }

  async function attempt(first: Hop, request: UpstreamRequest): Promise<UpstreamResponse> {
    // Said before waiting in line as well, which may be long while others find out.
    const refusal = origins.of(first.url).breaker.whyShut();
    if (refusal) throw new Problem("unreachable", refusal);
    const { isLong, isWanted, pace, follows } = request;
    const { signal, giveUp } = endable(request, host);
    const leave = await gate.enter({ isLong, isWanted, signal, giveUp });
    try {
      return await follow(first, { signal, pace, follows }, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  function giveUp(first: Hop, failure: Failure) {
    failure.last();
    if (failure.isOfPath)
      troubles.failed(first, failure.message, failure.retryAfterMs ?? undefined);
  }

  return {
    host,
    breaker: origins.home.breaker,
    unavailable: () => (origins.home.breaker.whyShut() === null ? null : "unreachable"),
    async fetch(request, began) {
      const first = firstHop(base, request);
      allowlist.check(first.url);
      troubles.check(first);
      // What failed the last time as well is tried once.
      const patienceMs = troubles.has(first) ? 0 : (request.patienceMs ?? retryMs);
      const retries = createRetries(began, patienceMs, deps.now);
      for (;;) {
        try {
          return await attempt(first, request);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          const wait = retries.next(error);
          if (wait === null) {
            giveUp(first, error);
            throw error;
          }
          await patiently(wait, request.signal);
        }
      }
    },
    isBusy: gate.isBusy,
    close: origins.close,
  };
}

/** The request's signal, or where nobody may want its answer one that `giveUp` aborts as well. */
function endable({ signal, isWanted }: UpstreamRequest, host: string) {
  if (!isWanted) return { signal };
  const control = new AbortController();
  return {
    signal: signal ? AbortSignal.any([signal, control.signal]) : control.signal,
    giveUp: () =>
      control.abort(
        new Problem(
          "unreachable",
          `${host}: nobody waits for it any more, and others need its place`,
        ),
      ),
  };
}

/** Waits; throws the signal's reason as soon as it is aborted. */
async function patiently(ms: number, signal: AbortSignal | undefined) {
  try {
    await pause(ms, undefined, signal && { signal });
  } catch {
    throw signal?.reason;
  }
}
