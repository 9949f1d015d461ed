// How fast a mirror run may fetch: one measure for all of its connections.
import type { Pace } from "../../../core/artifact.ts";

/**
 * Lets `bytesPerSecond` through for all callers together; null is no limit. `count` is told of every byte that came, whether
 * it is kept in the end or not.
 */
export function createPace(
  bytesPerSecond: number | null,
  now: () => number,
  count: (bytes: number) => void,
): Pace {
  // When all that came would have come at the allowed rate.
  let due = Number.NEGATIVE_INFINITY;
  return (bytes) => {
    count(bytes);
    if (bytesPerSecond === null) return 0;
    const at = now();
    due = Math.max(due, at) + (bytes / bytesPerSecond) * 1000;
    return due - at;
  };
}
