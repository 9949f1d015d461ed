// A repository's upstreams as one: in their order, the next one when one cannot be reached.
import { Problem } from "../core/problem.ts";
import type { Upstream, UpstreamResponse } from "../core/upstream.ts";
import type { BreakerHealth, BreakerState } from "./breaker.ts";
import { createClient } from "./client.ts";
import type { Latency } from "./latencies.ts";
import type { UpstreamDeps, UpstreamSettings } from "./settings.ts";

export { createUpstreamMetrics, type UpstreamMetrics } from "./metrics.ts";
export type { UpstreamDeps, UpstreamSettings } from "./settings.ts";

export interface UpstreamState {
  upstream: string;
  state: BreakerState;
  /** Why it was away last; empty while it never was. */
  reason: string;
  /** How often it answered since the start. */
  answers: number;
  /** Times are of the clock that it was given. */
  health: BreakerHealth & { latency: Latency | null };
}

export interface Upstreams extends Upstream {
  /** In the order of the configuration. */
  states(): UpstreamState[];
  /** Leaves the metrics page: another has taken its place, and its exchanges run out. */
  leave(): void;
  /** Whether exchanges run, or wait for their turn. */
  isBusy(): boolean;
  /** Closes idle connections and helpers, and leaves the metrics page. Exchanges that run are finished, but those through a tunnel are cut. */
  close(): void;
}

/**
 * The first upstream that answers has the last word. What it does not have or refuses counts only where all before it were asked: one of
 * them may have it. Without any, nothing is ever reached.
 */
export function createUpstream(settings: UpstreamSettings[], deps: UpstreamDeps): Upstreams {
  const clients = settings.map((one) => createClient(one, deps));
  const states = () =>
    clients.map(({ host, breaker }) => ({
      upstream: host,
      state: breaker.state(),
      reason: breaker.reason(),
      answers: breaker.answers(),
      health: { ...breaker.health(), latency: deps.metrics.latency(deps.repository, host) },
    }));
  const unwatch = deps.metrics.watch(deps.repository, states);
  return {
    states,
    unavailable: () =>
      clients.some((client) => client.unavailable() === null) ? null : "unreachable",
    async fetch(request) {
      const began = deps.now();
      const failures: Problem[] = [];
      for (const client of clients) {
        let response: UpstreamResponse;
        try {
          response = await client.fetch(request, began);
        } catch (error) {
          if (!(error instanceof Problem) || error.kind !== "unreachable") throw error;
          failures.push(error);
          continue;
        }
        if (response.status < 400 || failures.length === 0) return response;
        await response.discard();
        failures.push(doesNotCount(response));
        break;
      }
      throw together(failures);
    },
    leave: unwatch,
    isBusy: () => clients.some((client) => client.isBusy()),
    close() {
      unwatch();
      for (const client of clients) client.close();
    },
  };
}

function doesNotCount({ upstream, status }: UpstreamResponse): Problem {
  return new Problem(
    "unreachable",
    `${upstream}: answered ${status}, which does not count while the one before it cannot be asked`,
  );
}

function together(failures: Problem[]): Problem {
  const [cause, ...others] = failures;
  if (cause && others.length === 0) return cause;
  const told = [...new Set(failures.map(({ message }) => message))];
  return new Problem("unreachable", told.join("; ") || "no upstream is configured", { cause });
}
