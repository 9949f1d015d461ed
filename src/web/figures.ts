// Numbers of charts and tables as people read them, each with its unit.
import { humanSize } from "../core/size.ts";

/** What a number counts. `share`: a part of one. */
export type Unit = "count" | "bytes" | "seconds" | "share";

/** In words, for the axis. */
export const unitWords: Readonly<Record<Unit, string>> = {
  count: "count",
  bytes: "bytes",
  seconds: "seconds",
  share: "per cent",
};

const LETTERS = ["", " k", " M", " G", " T"];

/** One number: 1.2 M, 3.4 GiB, 12 ms, 98 %. A dash for none. */
export function figure(value: number | null, unit: Unit): string {
  if (value === null || !Number.isFinite(value)) return "–";
  if (value < 0) return `−${figure(-value, unit)}`;
  if (unit === "bytes") return value < 2 ** 50 ? humanSize(value) : `${short(value / 2 ** 40)} TiB`;
  if (unit === "seconds") return duration(value);
  // Never rounded up to all of it.
  if (unit === "share") return `${trimmed(Math.floor(value * 1000) / 10)} %`;
  return counted(value);
}

function counted(value: number): string {
  let [left, step] = [value, 0];
  while (left >= 1000 && step < LETTERS.length - 1) [left, step] = [left / 1000, step + 1];
  return `${short(left)}${LETTERS[step]}`;
}

function duration(seconds: number): string {
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${short(seconds * 1e6)} µs`;
  if (seconds < 1) return `${short(seconds * 1000)} ms`;
  if (seconds < 100) return `${short(seconds)} s`;
  return seconds < 6000 ? `${short(seconds / 60)} min` : `${short(seconds / 3600)} h`;
}

/** Three digits that count. */
function short(value: number): string {
  if (value >= 1e6) return value.toExponential(1);
  return trimmed(Number(value.toPrecision(3)));
}

function trimmed(value: number): string {
  return String(value);
}
