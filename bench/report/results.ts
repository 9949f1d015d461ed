// What was measured, kept between runs so that one measurement can be taken again without all the others.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Row } from "../lib/context.ts";
import type { Machine } from "../lib/machine.ts";

export interface Results {
  machine: Machine;
  quick: boolean;
  versions: Record<string, string>;
  rows: Row[];
  /** When each measurement was taken, in words: they may be of several runs. */
  taken?: Record<string, string>;
  /** Paths that a server asked for and the recording did not have. */
  missing: Record<string, number>;
}

export function readResults(file: string): Results | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : null;
}

/** Puts new figures in the place of those of an earlier run; what was not measured now stays. */
export function mergeResults(file: string, results: Results): void {
  const key = (row: Row) => `${row.measure}|${row.case}|${row.server}`;
  const measured = new Set(results.rows.map(key));
  const earlier = readResults(file);
  const kept = earlier?.rows.filter((row) => !measured.has(key(row))) ?? [];
  const versions = { ...earlier?.versions, ...results.versions };
  const rows = [...kept, ...results.rows];
  const now = results.rows.map((row) => [row.measure, runOf(results)]);
  const taken = { ...earlier?.taken, ...Object.fromEntries(now) };
  const missing = { ...earlier?.missing, ...results.missing };
  writeFileSync(file, JSON.stringify({ ...results, versions, rows, taken, missing }, null, 1));
}

/** When a run was made, of what, and how busy the machine was. */
export function runOf({ machine, versions }: Results): string {
  const holdfast = versions["holdfast"] ? `, Holdfast ${versions["holdfast"]}` : "";
  return `${machine.date} UTC${holdfast}, load average ${machine.load.toFixed(2)}`;
}
