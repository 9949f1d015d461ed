// Where the benchmark keeps what it installs, records and writes. Everything but the report lies in bench/.work.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export const bench = join(import.meta.dirname, "..");
export const root = join(bench, "..");
export const work = join(bench, ".work");
export const projects = join(bench, "projects");

/** A folder inside bench/.work, made when it is missing. */
export function workFolder(...parts: string[]): string {
  const folder = join(work, ...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
}
