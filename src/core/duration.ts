// Durations as people write them: 30s, 5m, 24h, 7d.

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const DURATION = /^(\d+)(s|m|h|d)$/;

/** Milliseconds of "5m"; throws a RangeError on anything else. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  if (!match)
    throw new RangeError(
      `Expected a whole number and a unit (30s, 5m, 24h, 7d), got ${JSON.stringify(text)}`,
    );
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
