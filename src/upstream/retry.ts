// How often, and when, what failed in passing is asked for once more while somebody waits for it.

export interface Passing {
  /** Whether it may be different in a moment. */
  isPassing: boolean;
  /** How long the upstream asks to be left alone, or null. Milliseconds. */
  retryAfterMs: number | null;
}

export interface Retries {
  /** How long to wait before the next try, or null when it is to be given up. Milliseconds. */
  next(failure: Passing): number | null;
}

const FIRST_MS = 250;
const LONGEST_MS = 15_000;

/** All within `patienceMs` from `began` on the clock `now`. `random` is at least 0 and below 1. */
export function createRetries(
  began: number,
  patienceMs: number,
  now: () => number,
  random: () => number = Math.random,
): Retries {
  let backoff = FIRST_MS;
  return {
    next({ isPassing, retryAfterMs }) {
      if (!isPassing) return null;
      // Those who failed together must not come back together.
      const wait = Math.max(backoff, retryAfterMs ?? 0) + (random() * backoff) / 2;
      backoff = Math.min(backoff * 2, LONGEST_MS);
      return now() + wait - began <= patienceMs ? wait : null;
    },
  };
}

/** Of the header Retry-After: seconds, or a date by the upstream's own clock (RFC 9110 §10.2.3). Null where it says nothing. */
export function retryAfterOf(headers: Headers): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  const sent = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(at) ? null : Math.max(0, at - (Number.isNaN(sent) ? Date.now() : sent));
}
