// What deploy/ asks of the metrics: the expressions of its alert rules and of its dashboard.
import { readFileSync } from "node:fs";
import { parse } from "yaml";

const folder = new URL("../../deploy/", import.meta.url).pathname;
export const rulesFile = `${folder}prometheus/holdfast.rules.yml`;
export const rulesTests = `${folder}prometheus/holdfast.rules.test.yml`;
export const scrapeFile = `${folder}prometheus/prometheus.yml`;
export const dashboardFile = `${folder}grafana/holdfast.json`;

export interface Asked {
  /** The alert, or the panel. */
  where: string;
  expr: string;
}

interface Rule {
  alert: string;
  expr: string;
}

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

export function ruleExpressions(): Asked[] {
  const { groups } = parse(readFileSync(rulesFile, "utf8")) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: alert, expr })));
}

export function dashboardExpressions(): Asked[] {
  const { panels } = JSON.parse(readFileSync(dashboardFile, "utf8")) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expr })),
  );
}

/** As Prometheus gets it, with the variables of the dashboard filled in. */
export function withVariables(expr: string): string {
  return expr
    .replaceAll("$__rate_interval", "5m")
    .replaceAll("$__range", "1d")
    .replaceAll("$repository", ".*");
}
