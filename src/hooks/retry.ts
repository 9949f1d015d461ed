// When what could not be told is tried again: twice as late each time, six hours at most.

const FIRST_MS = 5_000;
const LONGEST_MS = 6 * 60 * 60 * 1000;

/** Milliseconds after the try that failed, which was the `tries`th. `random` is at least 0 and below 1. */
export function waitAfter(tries: number, askedMs = 0, random: () => number = Math.random): number {
  const wait = Math.min(FIRST_MS * 2 ** Math.min(tries - 1, 20), LONGEST_MS);
  // Those that failed together must not come back together.
  return Math.round(Math.max(wait, Math.min(askedMs, LONGEST_MS)) * (1 + random() / 10));
}
