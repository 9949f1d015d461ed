// How fast bytes may come, and how slowly they must not.

/** A token bucket that may go into debt: bytes that arrived are paid for by waiting before the next are read. */
export interface Bucket {
  /** Takes `bytes` and returns the milliseconds to wait before taking more. */
  take(bytes: number): number;
}

/** Holds one second's worth of `rate` bytes per second, full at first. */
export function createBucket(rate: number, now: () => number): Bucket {
  let tokens = rate;
  let last = now();
  return {
    take(bytes) {
      const time = now();
      tokens = Math.min(rate, tokens + (Math.max(0, time - last) / 1000) * rate) - bytes;
      last = time;
      return tokens >= 0 ? 0 : Math.ceil((-tokens / rate) * 1000);
    },
  };
}

export interface Floor {
  /** Whether so few bytes came, in the time that they were waited for, that the rest is not waited for. */
  isTooSlow(waitedMs: number, bytes: number): boolean;
}

/** At least `rate` bytes per second on average over each `windowMs` of waiting. Time in which nobody reads does not count. */
export function createFloor(rate: number, windowMs: number): Floor {
  let waited = 0;
  let came = 0;
  return {
    isTooSlow(waitedMs, bytes) {
      waited += waitedMs;
      came += bytes;
      if (waited < windowMs) return false;
      const isTooSlow = came < (rate * waited) / 1000;
      waited = came = 0;
      return isTooSlow;
    },
  };
}
