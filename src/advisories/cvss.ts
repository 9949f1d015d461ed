// The base score of a CVSS 3 vector, and what scores are called. https://www.first.org/cvss/v3.1/specification-document, §7
import type { Advisory } from "../core/advisory.ts";

const WEIGHTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 },
  AC: { L: 0.77, H: 0.44 },
  UI: { N: 0.85, R: 0.62 },
  C: { H: 0.56, L: 0.22, N: 0 },
  I: { H: 0.56, L: 0.22, N: 0 },
  A: { H: 0.56, L: 0.22, N: 0 },
};
const PRIVILEGES = {
  U: { N: 0.85, L: 0.62, H: 0.27 },
  C: { N: 0.85, L: 0.68, H: 0.5 },
} as const;

/** Null for what is no vector of CVSS 3.0 or 3.1. */
export function baseScore(vector: string): number | null {
  if (!/^CVSS:3\.[01]\//.test(vector)) return null;
  const parts = new Map(vector.split("/").map((part) => part.split(":") as [string, string]));
  const weight = (name: string) => WEIGHTS[name]?.[parts.get(name) ?? ""];
  const [av, ac, ui, c, i, a] = ["AV", "AC", "UI", "C", "I", "A"].map(weight);
  const scope = parts.get("S");
  if (scope !== "U" && scope !== "C") return null;
  const pr = PRIVILEGES[scope][parts.get("PR") as "N" | "L" | "H"];
  if ([av, ac, ui, c, i, a, pr].some((one) => one === undefined)) return null;
  const iss = 1 - (1 - c!) * (1 - i!) * (1 - a!);
  const impact = scope === "U" ? 6.42 * iss : 7.52 * (iss - 0.029) - 3.25 * (iss - 0.02) ** 15;
  if (impact <= 0) return 0;
  const exploitability = 8.22 * av! * ac! * pr! * ui!;
  const sum = (impact + exploitability) * (scope === "U" ? 1 : 1.08);
  return roundUp(Math.min(sum, 10));
}

/** §5: what a score is called. */
export function severityOf(score: number): Advisory["severity"] {
  if (score >= 9) return "critical";
  if (score >= 7) return "high";
  if (score >= 4) return "moderate";
  return score > 0 ? "low" : null;
}

/** To one decimal, without the errors of binary fractions. Appendix A */
function roundUp(value: number): number {
  const whole = Math.round(value * 100_000);
  return whole % 10_000 === 0 ? whole / 100_000 : (Math.floor(whole / 10_000) + 1) / 10;
}
