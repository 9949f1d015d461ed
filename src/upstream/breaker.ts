// Stops asking an upstream that does not answer, and lets one request at a time find out whether it does again.
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";

export type BreakerState = "closed" | "half-open" | "open";

/** One exchange as the breaker sees it. Calls that come after the breaker changed its mind are ignored. */
export interface Attempt {
  /** Usable headers arrived: it can be asked again. */
  answered(): void;
  /** The body arrived whole. */
  succeeded(): void;
  /** `atOnce`: nobody is there (refused, no address), so that one failure is enough. */
  failed(reason: string, atOnce?: boolean): void;
  /** Ended by us: says nothing about the upstream. */
  abandoned(): void;
}

export interface Breaker {
  state(): BreakerState;
  /** Why it must not be asked now, or null when it may be, if only by one probe. */
  refusal(): string | null;
  /** Throws Problem("unreachable") when it must not be asked now. */
  enter(): Attempt;
}

const FAILURES = 3;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

export function createBreaker(deps: {
  host: string;
  repository: string;
  log: Log;
  now(): number;
}): Breaker {
  const { host, repository, log, now } = deps;
  let state: BreakerState = "closed";
  let failures = 0;
  let backoff = FIRST_BACKOFF_MS;
  let due = 0;
  let since = 0;
  let reason = "";
  // Attempts of an earlier epoch began before the last opening: what they meet says nothing about now.
  let epoch = 0;

  function open(why: string) {
    if (state === "closed") {
      since = now();
      log.write("warn", `Upstream ${host} is not asked for now: ${why}`, {
        repository,
        upstream: host,
      });
    }
    state = "open";
    reason = why;
    due = now() + backoff;
    backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
    epoch += 1;
  }

  function close() {
    log.write("info", `Upstream ${host} answers again`, {
      repository,
      upstream: host,
      away_ms: now() - since,
    });
    state = "closed";
    failures = 0;
  }

  function refusal(): string | null {
    if (state === "closed") return null;
    if (state === "half-open") return `${host}: ${reason}; being asked again just now`;
    const wait = due - now();
    return wait <= 0
      ? null
      : `${host}: ${reason}; asked again in ${Math.max(1, Math.ceil(wait / 1000))} s`;
  }

  return {
    state: () => state,
    refusal,
    enter() {
      const refused = refusal();
      if (refused) throw new Problem("unreachable", refused);
      if (state === "open") {
        state = "half-open";
        epoch += 1;
      }
      const born = epoch;
      const live = () => born === epoch;
      return {
        answered() {
          if (live() && state === "half-open") close();
        },
        succeeded() {
          if (!live()) return;
          if (state === "half-open") close();
          failures = 0;
          backoff = FIRST_BACKOFF_MS;
        },
        failed(why, atOnce = false) {
          if (!live()) return;
          failures += 1;
          if (atOnce || state === "half-open" || failures >= FAILURES) open(why);
        },
        abandoned() {
          if (!live() || state !== "half-open") return;
          // The next request probes in its place.
          state = "open";
          due = now();
          epoch += 1;
        },
      };
    },
  };
}
