// Versions that are made from a commit. https://go.dev/ref/mod#pseudo-versions
import { canonical, isPseudo } from "../version.ts";

const PSEUDO =
  /^(?<base>v\d+\.\d+\.\d+(?:-.*?)?)[.-](?<time>\d{14})-(?<id>[A-Za-z0-9]+)(?<build>\+.*)?$/;

/** "20240102030405", in UTC. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$|[-:TZ]/g, "");
}

/** `major`: "v2", or empty. `older`: the tag that comes before the commit; empty where none does. */
export function pseudoVersion(major: string, older: string, time: number, id: string): string {
  const segment = `${timestamp(time)}-${id}`;
  const base = canonical(older.replace(/\+.*$/, ""));
  const build = /\+incompatible$/.exec(older)?.[0] ?? "";
  if (base === null) return `${major || "v0"}.0.0-${segment}`;
  if (base.includes("-")) return `${base}.0.${segment}${build}`;
  const [, start = "", patch = "0"] = /^(v\d+\.\d+\.)(\d+)$/.exec(base)!;
  return `${start}${BigInt(patch) + 1n}-0.${segment}${build}`;
}

export interface PseudoParts {
  time: string;
  /** Of the commit, abbreviated. */
  id: string;
  /** The version that it says comes before the commit; empty where none does. Null: none could. */
  base: string | null;
}

/** Null for what is no pseudo-version. */
export function readPseudo(version: string): PseudoParts | null {
  if (!isPseudo(version)) return null;
  const found = PSEUDO.exec(version)?.groups;
  if (!found) return null;
  const { base = "", time = "", id = "", build = "" } = found;
  return { time, id, base: baseOf(base, build) };
}

function baseOf(base: string, build: string): string | null {
  const [, numbers = "", start = "", patch = "", pre] = /^((v\d+\.\d+\.)(\d+))(?:-(.*))?$/.exec(
    base,
  )!;
  if (pre === undefined) return build === "" ? "" : null;
  if (pre === "0") return patch === "0" ? null : `${start}${BigInt(patch) - 1n}${build}`;
  return `${numbers}-${pre.replace(/\.0$/, "")}${build}`;
}
