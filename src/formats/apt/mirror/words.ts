// How the operations here put things to people.
import type { Missing } from "./transfer.ts";

/** With the lines before and after it what the log takes of an operation. */
const SHOWN = 15;

/** "1 file", "2,000 files". */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Bytes for people: "1.5 GiB". */
export function sizeOf(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** The first of many lines, and how many more there are. */
export function* first<T>(items: readonly T[], line: (item: T) => string): Generator<string> {
  for (const item of items.slice(0, SHOWN)) yield line(item);
  const more = items.length - SHOWN;
  if (more > 0) yield `… and ${more.toLocaleString("en-US")} more`;
}

export function missingLines(missing: readonly Missing[]): Generator<string> {
  return first(missing, ({ path, reason }) => `missing: ${path}: ${reason}`);
}
