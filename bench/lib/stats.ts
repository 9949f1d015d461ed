// Small statistics.

/** The middle value; null of none. */
export function median(values: readonly number[]): number | null {
  return percentile(values, 0.5);
}

/** Nearest rank; null of none. */
export function percentile(values: readonly number[], fraction: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? null;
}
