// The pieces that pages are made of. Each gives HTML that is safe, and says in words what it says by colour.
import { type Html, html, type Part, raw } from "./html.ts";

export type Tone = "good" | "warn" | "bad" | "plain";

/** A state in a word or two. */
export function chip(tone: Tone, words: string, title?: string): Html {
  return html`<span class="chip ${tone}"${title ? html` title="${title}"` : null}>${words}</span>`;
}

/** Something that is to be read before the rest. */
export function notice(tone: Tone, content: Part): Html {
  return html`<div class="notice ${tone}"${tone === "bad" ? raw(' role="alert"') : null}>${content}</div>`;
}

/** In place of a list that has nothing yet: what would stand there, and what to do. */
export function empty(content: Part): Html {
  return html`<p class="empty">${content}</p>`;
}

export interface Column {
  label: string;
  /** Numbers stand at the right, under each other. */
  kind?: "number" | "tight" | "name";
  /** Read aloud alone: the column of buttons. */
  isHidden?: boolean;
}

/**
 * A table in a region of its own, which scrolls where the screen is narrow, and not the page. `caption` names it, and is to be the only one of that name on
 * a page; it is seen where `isCaptioned`. The first cell of a row is its heading.
 */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
  { isCaptioned = false, isList = true } = {},
): Html {
  const id = `t-${caption.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  const heads = columns.map(({ label, kind, isHidden }) => {
    const text = isHidden ? html`<span class="hide">${label}</span>` : label;
    return html`<th scope="col"${classOf(kind)}>${text}</th>`;
  });
  const body = rows.map((cells) => {
    const written = cells.map((cell, at) =>
      at === 0
        ? html`<th scope="row"${classOf(columns[at]?.kind)}>${cell}</th>`
        : html`<td${classOf(columns[at]?.kind)}>${cell}</td>`,
    );
    return html`<tr>${written}</tr>`;
  });
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}"><table><caption id="${id}"${isCaptioned ? null : raw(' class="hide"')}>${caption}</caption><thead><tr>${heads}</tr></thead><tbody${isList ? raw(" data-list") : null}>${body}</tbody></table></div>`;
}

function classOf(kind: Column["kind"]): Html | null {
  return kind ? html` class="${kind}"` : null;
}

/** Names and what they are. Those without a value are left out. */
export function facts(rows: readonly (readonly [name: string, value: Part])[]): Html {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Numbers that matter, large. `hint` says what is counted. */
export function figures(rows: readonly { name: string; value: Part; hint?: Part }[]): Html {
  const cells = rows.map(
    ({ name, value, hint }) =>
      html`<div><dt>${name}</dt><dd>${value}${hint ? html`<span class="hint">${hint}</span>` : null}</dd></div>`,
  );
  return html`<dl class="figures">${cells}</dl>`;
}

/** Text to take along, with a button for that where scripts run. `id` is the only one of its kind on the page; `what` is said of the button. */
export function copyable(id: string, text: string, what: string): Html {
  return html`<div class="copy"><pre tabindex="0"><code id="${id}">${text}</code></pre><button type="button" class="quiet" data-copy="${id}" hidden>Copy<span class="hide"> ${what}</span></button></div>`;
}

/** Which page of many; nothing where there is one. `path` with its query, to which the page is added. */
export function pages(path: string, current: number, hasMore: boolean): Html | null {
  if (current === 1 && !hasMore) return null;
  const at = (page: number) => `${path}${path.includes("?") ? "&" : "?"}page=${page}`;
  const before =
    current > 1
      ? html`<a class="button quiet" rel="prev" href="${at(current - 1)}">Previous</a>`
      : null;
  const after = hasMore
    ? html`<a class="button quiet" rel="next" href="${at(current + 1)}">Next</a>`
    : null;
  return html`<nav class="pages" aria-label="Pages">${before}<span>Page ${current}</span>${after}</nav>`;
}

/** The number of a page in a query, from 1; never throws. */
export function pageOf(query: URLSearchParams, most = 1_000): number {
  const page = Number(query.get("page") ?? 1);
  return Number.isInteger(page) && page >= 1 ? Math.min(page, most) : 1;
}

/** Links between parts that belong together: tabs without script. */
export function tabs(
  label: string,
  links: readonly { path: string; text: Part; isHere: boolean }[],
): Html {
  return html`<nav class="tabs" aria-label="${label}"><ul>${links.map(
    ({ path, text, isHere }) =>
      html`<li><a href="${path}"${isHere ? raw(' aria-current="page"') : null}>${text}</a></li>`,
  )}</ul></nav>`;
}
