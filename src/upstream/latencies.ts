// How long an upstream took of late, until its headers came: of so many answers that one slow minute is seen, and no more.

const KEPT = 256;

/** In seconds. */
export interface Latency {
  p50: number;
  p95: number;
  /** Of how many answers. */
  answers: number;
}

export interface Latencies {
  add(seconds: number): void;
  /** Null before the first. */
  now(): Latency | null;
}

export function createLatencies(): Latencies {
  const ring: number[] = [];
  let at = 0;
  return {
    add(seconds) {
      ring[at] = seconds;
      at = (at + 1) % KEPT;
    },
    now() {
      if (ring.length === 0) return null;
      const sorted = ring.toSorted((a, b) => a - b);
      const of = (share: number) =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
      return { p50: of(0.5), p95: of(0.95), answers: sorted.length };
    },
  };
}
