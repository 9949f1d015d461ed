// Whether this process stood still: stopped by a signal, or held up by what it waited for. What came meanwhile is often done before any timer is.

const BEAT_MS = 250;
/** Less is a loop that is busy. Milliseconds. */
const LEAST_MS = 1_000;
/** For so long after it went on, what is met may have waited. Milliseconds. */
const AFTER_MS = 3_000;

export interface Standstill {
  /** For how long it stood still, where that ended just now; else 0. Milliseconds. */
  ms(): number;
  close(): void;
}

export function watchStandstill(): Standstill {
  let beatAt = performance.now();
  let last = { ms: 0, endedAt: Number.NEGATIVE_INFINITY };

  function look(): number {
    const now = performance.now();
    const ms = now - beatAt;
    if (ms >= LEAST_MS) last = { ms, endedAt: now };
    return now;
  }

  const timer = setInterval(() => {
    beatAt = look();
  }, BEAT_MS);
  timer.unref();
  return {
    ms: () => (look() - last.endedAt < AFTER_MS ? last.ms : 0),
    close: () => clearInterval(timer),
  };
}
