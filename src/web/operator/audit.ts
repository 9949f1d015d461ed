// `/-/operator/audit`: who did what.
import { auditActions } from "../../core/audit.ts";
import { html, type Part } from "../frame/html.ts";
import { empty, table } from "../frame/ui.ts";
import {
  choices,
  filters,
  input,
  type Listed,
  older,
  operatorPage,
  select,
  since,
} from "./pieces.ts";
import { address, type Serve, type Visit } from "./visit.ts";

const HERE = "/-/operator/audit";
const SHOWN = "50";

interface EntryShape {
  id: number;
  at: string;
  action: string;
  kind: string;
  principal: string;
  tokenName: string | null;
  address: string;
  repository: string | null;
  package: string | null;
  purl: string | null;
  detail: Record<string, unknown>;
}

export const serveAudit: Serve = async (visit) => {
  const { query } = visit;
  const day = (name: string, time: string) => {
    const text = query.get(name);
    return text && /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T${time}Z` : null;
  };
  const found = await visit.get<Listed<EntryShape>>("/audit", {
    limit: SHOWN,
    user: query.get("user"),
    token: query.get("token"),
    package: query.get("package"),
    action: query.get("action"),
    since: day("from", "00:00:00"),
    until: day("to", "23:59:59"),
    cursor: query.get("cursor"),
  });
  return operatorPage(
    {
      title: "Audit log",
      here: HERE,
      main: html`${filters(HERE, [
        select("action", "Action", choices(auditActions, "All"), query.get("action")),
        input("user", "Who", query.get("user")),
        input("token", "Token", query.get("token")),
        input("package", "Package", query.get("package")),
        input("from", "From", query.get("from"), "date"),
        input("to", "To", query.get("to"), "date"),
      ])}${list(found, visit)}${older(HERE, query, found.next)}`,
    },
    visit,
  );
};

function list({ items }: Listed<EntryShape>, { now }: Visit): Part {
  if (items.length === 0) return empty("Nobody did anything of that.");
  return table(
    "Who did what, the newest first",
    [
      { label: "Action" },
      { label: "When", kind: "tight" },
      { label: "Who" },
      { label: "From" },
      { label: "About" },
      { label: "Details" },
    ],
    items.map((one) => [
      one.action,
      since(one.at, now),
      html`<a href="${address(HERE, { user: one.principal })}">${one.principal || "no name"}</a>${one.tokenName ? html` <span class="soft">token ${one.tokenName}</span>` : null}`,
      one.address,
      [one.purl ?? one.package, one.repository].filter(Boolean).join(" in "),
      html`<span class="soft">${details(one.detail)}</span>`,
    ]),
  );
}

function details(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
