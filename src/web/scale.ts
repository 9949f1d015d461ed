// Round marks for the axes of a chart. Pure.
import type { Unit } from "./figures.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Marks on an axis of values, from the lowest to the highest; they enclose all that is between `low` and `high`. */
export function valueMarks(low: number, high: number, unit: Unit): number[] {
  const top = high > low ? high : low + (unit === "share" ? 1 : Math.max(1, Math.abs(low)));
  const size = Math.max(Math.abs(low), Math.abs(top));
  const base = unit === "bytes" ? 1024 ** Math.max(0, Math.floor(Math.log2(size) / 10)) : 1;
  const rough = (top - low) / base / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const wanted = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999)! * power * base;
  // Half a request is none.
  const isWhole = unit === "count" || (unit === "bytes" && base === 1);
  const step = isWhole ? Math.max(1, Math.ceil(wanted)) : wanted;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(top / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => rounded((first + at) * step));
}

/** 0.30000000000000004 is 0.3. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((many) => many * MINUTE),
  ...[1, 2, 3, 6, 12].map((many) => many * HOUR),
  ...[1, 2, 7, 14, 30, 90, 180, 365].map((many) => many * DAY),
];

/** Round times (UTC) between two, seven at most, and how each is written. */
export function timeMarks(from: number, to: number): { at: number; text: string }[] {
  const step =
    STEPS.find((one) => (to - from) / one <= 7) ?? Math.ceil((to - from) / 7 / DAY) * DAY;
  const marks: { at: number; text: string }[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step)
    marks.push({ at, text: step < DAY ? clockOrDay(at) : dayOf(at) });
  return marks;
}

function clockOrDay(at: number): string {
  return at % DAY === 0 ? dayOf(at) : new Date(at).toISOString().slice(11, 16);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function dayOf(at: number): string {
  const date = new Date(at);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}
