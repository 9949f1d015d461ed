// What a goal is, and how a figure is held against it.
import type { Row } from "../lib/context.ts";
import { number } from "./tables.ts";

export interface Verdict {
  measured: string;
  /** Measured divided by allowed: 1 or less is met. Null: not measured. */
  share: number | null;
}

export type Find = (
  measure: string,
  column: string,
  metric: string,
  server?: string,
) => number | null;

export interface Goal {
  what: string;
  goal: string;
  judge(find: Find, rows: Row[]): Verdict;
}

export const NOT_MEASURED: Verdict = { measured: "not measured", share: null };

/** At most `limit`. */
export function atMost(value: number | null, limit: number, unit: string): Verdict {
  if (value === null) return NOT_MEASURED;
  return { measured: `${number(value)} ${unit}`, share: value / limit };
}

/** At least `fraction` of another server's figure. */
export function atLeastOf(value: number | null, other: number | null, fraction: number): Verdict {
  if (value === null || other === null) return NOT_MEASURED;
  return {
    measured: `${number((value / other) * 100)} % (${number(value)} of ${number(other)})`,
    share: fraction / (value / other),
  };
}

/** At most `factor` times another figure, and `more` on top. */
export function atMostOf(
  value: number | null,
  other: number | null,
  factor: number,
  unit: string,
  more = 0,
): Verdict {
  if (value === null || other === null) return NOT_MEASURED;
  return {
    measured: `${number(value)} against ${number(other)} ${unit} (${(value / other).toFixed(2)}x)`,
    share: value / (other * factor + more),
  };
}
