// What the operator's pages share: their navigation, filters, and the way to older entries.
import type { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { type Html, html, type Part, raw } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import { ago } from "../frame/text.ts";
import { notice, type Tone, tabs } from "../frame/ui.ts";
import { address, type Visit } from "./visit.ts";

/** A list of the API. */
export interface Listed<Item> {
  items: Item[];
  next: string | null;
}

const PARTS: readonly [path: string, text: string][] = [
  ["/-/operator", "Overview"],
  ["/-/operator/withheld", "Held and blocked"],
  ["/-/operator/events", "Events"],
  ["/-/operator/alarms", "Alarms"],
  ["/-/operator/fetches", "Who fetched what"],
  ["/-/readiness", "Readiness"],
  ["/-/operator/disk", "Disk"],
  ["/-/operator/feeds", "Feeds"],
  ["/-/operator/jobs", "Jobs"],
  ["/-/operator/hooks", "Hooks"],
  ["/-/operator/accounts", "Accounts"],
  ["/-/operator/repositories", "Repositories"],
  ["/-/operator/audit", "Audit log"],
];

export interface OperatorPage {
  title: string;
  /** Of its part, by its path. */
  here: string;
  /** Beside the heading. */
  beside?: Part;
  lead?: Part;
  main: Part;
  wrong?: Problem | null;
  /** A good thing that was done. */
  done?: string | null;
}

export function operatorPage(view: OperatorPage, { request: { reader } }: Visit): Reply {
  const { title, here, beside, lead, main, wrong, done } = view;
  return page(
    {
      title,
      section: "operator",
      main: html`<div class="head"><h1>${title}</h1>${beside}</div>
${reader.isOperator ? operatorTabs(here) : null}
${wrong ? notice("bad", html`<p>${wrong.message}.</p>`) : null}${done ? html`<div class="notice good" role="status"><p>${done}</p></div>` : null}
${lead ? html`<p class="soft">${lead}</p>` : null}${main}`,
    },
    reader,
  );
}

function operatorTabs(here: string): Html {
  return tabs(
    "Operator",
    PARTS.map(([path, text]) => ({ path, text, isHere: path === here })),
  );
}

export interface Choice {
  value: string;
  text: string;
}

/** Values that are their own words; `all`: the words for none of them in particular. */
export function choices(values: readonly string[], all?: string): Choice[] {
  const each = values.map((value) => ({ value, text: value }));
  return all === undefined ? each : [{ value: "", text: all }, ...each];
}

/** Fields that narrow a list, sent by GET: what is chosen stands in the address. */
export function filters(path: string, fields: readonly Part[]): Html {
  return html`<form class="inline filters" method="get" action="${path}">${fields}<button class="quiet">Show</button></form>`;
}

export function select(
  name: string,
  label: string,
  choices: readonly Choice[],
  chosen: string | null,
): Html {
  const options = choices.map(
    ({ value, text }) =>
      html`<option value="${value}"${value === (chosen ?? "") ? raw(" selected") : null}>${text}</option>`,
  );
  return html`<label><span>${label}</span><select name="${name}">${options}</select></label>`;
}

export function input(
  name: string,
  label: string,
  value: string | null,
  type = "text",
  more: Part = null,
): Html {
  return html`<label><span>${label}</span><input name="${name}" type="${type}" value="${value ?? ""}" autocomplete="off"${more}></label>`;
}

/** The way on, where the API gives a cursor. `query`: of the page as it is. */
export function older(path: string, query: URLSearchParams, next: string | null): Html | null {
  const kept = Object.fromEntries(query);
  const isFirst = !query.has("cursor");
  if (isFirst && next === null) return null;
  const first = isFirst
    ? null
    : html`<a class="button quiet" href="${address(path, { ...kept, cursor: null })}">Newest</a>`;
  const after =
    next === null
      ? html`<span>That was all</span>`
      : html`<a class="button quiet" rel="next" href="${address(path, { ...kept, cursor: next })}">Older</a>`;
  return html`<nav class="pages" aria-label="Pages">${first}${after}</nav>`;
}

/** One button that does something at once; its name is read aloud with what it is about. */
export function action(
  path: string,
  fields: Readonly<Record<string, string>>,
  text: string,
  about = "",
): Html {
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form class="inline" method="post" action="${path}">${hidden}<button class="quiet">${text}${about ? html`<span class="hide"> ${about}</span>` : null}</button></form>`;
}

/** A time of the API. */
export function since(time: string | null, now: number, without: Part = "–"): Part {
  return time === null ? without : ago(Date.parse(time), now);
}

export const LEVEL_TONE: Readonly<Record<string, Tone>> = {
  error: "bad",
  warn: "warn",
  info: "plain",
};
