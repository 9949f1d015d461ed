// Markdown tables of figures: servers down, cases across.
import type { Row } from "../lib/context.ts";

/** Three significant digits; thousands with a comma. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "—";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

const ratio = (value: number): string =>
  value >= 100 ? `${number(Math.round(value))}x` : `${value.toPrecision(2)}x`;

const unique = <T>(all: T[]): T[] => [...new Set(all)];

/** One table of one metric, with ratios to the base server; empty when there is no figure. */
export function table(rows: Row[], metric: string, base: string | null): string {
  const taken = rows.filter((row) => row.value !== null);
  if (taken.length === 0) return "";
  const cases = unique(taken.map((row) => row.case));
  const servers = unique(taken.map((row) => row.server));
  const value = (server: string, column: string) =>
    taken.find((row) => row.server === server && row.case === column)?.value ?? null;
  const cell = (server: string, column: string): string => {
    const own = value(server, column);
    if (own === null) return "";
    // Installs are compared with the direct one of the same client, whatever the column.
    const direct = column.replace(/,.*$/, ", direct");
    const against = base && (value(base, column) ?? value(base, direct));
    return against && server !== base ? `${number(own)} (${ratio(own / against)})` : number(own);
  };
  const lines = servers.map(
    (server) => `| ${server} | ${cases.map((column) => cell(server, column)).join(" | ")} |`,
  );
  return `| ${metric} | ${cases.join(" | ")} |\n|---|${"---:|".repeat(cases.length)}\n${lines.join("\n")}\n`;
}
