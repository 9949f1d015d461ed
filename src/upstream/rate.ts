// A token bucket that may go into debt: bytes that arrived are paid for by waiting before the next are read.

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
