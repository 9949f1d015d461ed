// In which steps numbers are kept, and in which a span is shown. Pure.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface KeptStep {
  /** Milliseconds, as both. */
  length: number;
  keptFor: number;
}

/** From fine to coarse. Every write goes into one point of each, so that none is made of another later. */
export const KEPT: readonly KeptStep[] = [
  { length: MINUTE, keptFor: 48 * HOUR },
  { length: 15 * MINUTE, keptFor: 14 * DAY },
  { length: DAY, keptFor: 730 * DAY },
];
const COARSEST = KEPT.at(-1)!;

/** Most steps of one answer: a chart is hardly wider. */
const MOST_SHOWN = 200;
/** A whole number of kept steps each; no more than some thousand rows are read for one series. */
const SHOWN = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, DAY, 7 * DAY];

export interface ShownSteps {
  /** What is read. */
  kept: number;
  /** What is shown: `many` of `length` from `from` on. */
  length: number;
  from: number;
  many: number;
}

/** The steps that show from `from` to `to`, which begin and end at round times (UTC); `least`: no shorter ones than this. */
export function stepsFor(from: number, to: number, now: number, least = 0): ShownSteps {
  const first = Math.max(from, now - COARSEST.keptFor);
  const last = Math.max(to, first + 1);
  const finest = (KEPT.find(({ keptFor }) => now - first <= keptFor) ?? COARSEST).length;
  const wanted = Math.max((last - first) / MOST_SHOWN, least, finest);
  const length = SHOWN.find((one) => one >= wanted) ?? Math.ceil(wanted / (7 * DAY)) * 7 * DAY;
  const kept = KEPT.findLast((one) => length % one.length === 0)!.length;
  const start = Math.floor(first / length) * length;
  return { kept, length, from: start, many: Math.ceil((last - start) / length) };
}

/** The beginning of the step of this length that is at `at`. */
export function beginOf(at: number, length: number): number {
  return Math.floor(at / length) * length;
}
