// Versions in the order of releases, as rules and advisories compare them. composer/semver, Comparator; PHP's version_compare
import { isBranch, normalizeVersion } from "./normalize.ts";

const STABILITIES = ["dev", "alpha", "beta", "RC", "", "patch"];

/** Below 0 when `a` comes before `b`. Branches come before releases, by their names, and what is no version before those. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [rankOf(a), rankOf(b)];
  if (one.kind !== other.kind) return one.kind - other.kind;
  for (let at = 0; at < Math.max(one.parts.length, other.parts.length); at++) {
    const difference = (one.parts[at] ?? 0) - (other.parts[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.name < other.name ? -1 : Number(one.name > other.name);
}

interface Rank {
  /** 0: no version; 1: a branch; 2: a release. */
  kind: number;
  parts: number[];
  /** Of a branch. */
  name: string;
}

function rankOf(text: string): Rank {
  const normalized = normalizeVersion(text);
  if (normalized === null) return { kind: 0, parts: [], name: "" };
  const isPlain = /^[\d.]+(-|$)/.test(normalized) && !normalized.includes("9999999");
  if (isBranch(normalized) && !isPlain) return { kind: 1, parts: [], name: normalized };
  const [, numbers = "", stability = "", count = "", dev] =
    /^([\d.]+)(?:-(alpha|beta|RC|patch)([\d.-]*))?(-dev)?$/.exec(normalized) ?? [];
  const main = numbers.split(".").map(Number);
  while (main.length < 8) main.push(0); // dates have more parts than four
  const rank = STABILITIES.indexOf(stability || (dev ? "dev" : ""));
  const counts = count.split(/[.-]/).map(Number);
  while (counts.length < 4) counts.push(0);
  return { kind: 2, parts: [...main, rank, ...counts, dev ? -1 : 0], name: "" };
}
