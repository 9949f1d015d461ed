// What the pages about accounts share: their tabs, tables, and the form that gives somebody something.
import { type Html, html, type Part } from "../../frame/html.ts";
import { empty, table, tabs } from "../../frame/ui.ts";
import { againFirst, field, hidden, notFresh } from "../../people/forms.ts";
import { scopeWords } from "../../people/token-form.ts";
import { choices, select, since } from "../pieces.ts";
import { address, pathOf, type Visit } from "../visit.ts";
import type { GrantShape, TokenShape } from "./shapes.ts";

export const ACCOUNTS = "/-/operator/accounts";
export const TEAMS = `${ACCOUNTS}/teams`;
export const GRANTS = `${ACCOUNTS}/grants`;
export const TOKENS = `${ACCOUNTS}/tokens`;
const TAKE = `${ACCOUNTS}/take`;

/** As many of a list as a page of one user or team shows. */
export const ALL = { limit: "1000" };

export const userPath = (name: string) => `${ACCOUNTS}/users${pathOf`/${name}`}`;
export const teamPath = (name: string) => `${TEAMS}${pathOf`/${name}`}`;

export function accountTabs(here: string): Html {
  const links = [
    [ACCOUNTS, "Users"],
    [TEAMS, "Teams"],
    [GRANTS, "Grants"],
    [TOKENS, "Tokens"],
  ] as const;
  return tabs(
    "Accounts",
    links.map(([path, text]) => ({ path, text, isHere: path === here })),
  );
}

/** A link to where something is taken away: what that means is said there, and why is asked. `back`: where one goes then. */
export function takeLink(
  what: string,
  fields: Readonly<Record<string, string>>,
  text: string,
  about: string,
  back: string,
): Html {
  return html`<a class="button quiet" href="${address(TAKE, { what, ...fields, back })}">${text}<span class="hide"> ${about}</span></a>`;
}

/** A list in pages by names, where the API gives a cursor. */
export function onward(path: string, query: URLSearchParams, next: string | null): Html | null {
  const isFirst = !query.has("cursor");
  if (isFirst && next === null) return null;
  const kept = Object.fromEntries(query);
  const first = isFirst
    ? null
    : html`<a class="button quiet" href="${address(path, { ...kept, cursor: null })}">First</a>`;
  const after =
    next === null
      ? html`<span>These are the last</span>`
      : html`<a class="button quiet" rel="next" href="${address(path, { ...kept, cursor: next })}">More</a>`;
  return html`<nav class="pages" aria-label="Pages">${first}${after}</nav>`;
}

/** In place of a form that makes what outlives a session, where it was begun too long ago. */
export async function whenFresh(visit: Visit, path: string, form: Part): Promise<Part> {
  return (await visit.isFresh()) ? form : againFirst(path);
}

/** Throws Problem("forbidden"). */
export async function requireFresh(visit: Visit): Promise<void> {
  if (!(await visit.isFresh())) throw notFresh();
}

export function holderLink(holder: string): Part {
  const [, kind, name = ""] = /^(user|team):(.+)$/.exec(holder) ?? [];
  if (!kind) return holder;
  return html`${kind} <a href="${kind === "user" ? userPath(name) : teamPath(name)}">${name}</a>`;
}

/** `hasHolder`: where they are not all of one. */
export function grantTable(
  grants: readonly GrantShape[],
  { caption, back, without }: { caption: string; back: string; without: string },
): Part {
  if (grants.length === 0) return empty(without);
  return table(
    caption,
    [
      { label: "To" },
      { label: "May" },
      { label: "Repositories" },
      { label: "Packages" },
      { label: "Where it stands" },
      { label: "Take back", isHidden: true },
    ],
    grants.map(({ id, holder, actions, repositories, packages, source }) => [
      holderLink(holder),
      actions.join(", "),
      repositories?.join(", ") ?? "all",
      packages?.join(", ") ?? "all",
      source,
      id === null
        ? html`<span class="soft">not by a page</span>`
        : takeLink("grant", { id }, "Take back", `${actions.join(", ")} from ${holder}`, back),
    ]),
    { isList: false },
  );
}

const MAY = [
  { value: "read", text: "Read" },
  { value: "publish", text: "Read and publish" },
  { value: "publish,unpublish", text: "Read, publish and unpublish" },
  { value: "admin", text: "Everything" },
];

/** `holder`: null where it is typed. */
export async function giveForm(
  path: string,
  holder: string | null,
  visit: Visit,
  typed: (name: string) => string,
): Promise<Part> {
  const { items } = await visit.get<{ items: { name: string }[] }>("/repositories", ALL);
  const to =
    holder === null
      ? field("holder", "To", {
          hint: "user:NAME, team:NAME, everyone (who is logged in) or anonymous",
          value: typed("holder"),
        })
      : null;
  return html`<form class="narrow" method="post" action="${path}">${hidden("do", "give")}${to}${select(
    "actions",
    "May",
    MAY,
    typed("actions") || "read",
  )}${select(
    "repository",
    "In",
    choices(
      items.map(({ name }) => name),
      "All repositories",
    ),
    typed("repository"),
  )}${field("package", "Packages", { hint: "A pattern like @acme/*; empty for all", isFree: true, value: typed("package") })}<button>Give it</button></form>`;
}

/** What the form above sends. */
export async function give(
  holder: string,
  visit: Visit,
  form: URLSearchParams,
): Promise<{ id: string }> {
  await requireFresh(visit);
  return visit.send("POST", "/grants", {
    holder,
    actions: (form.get("actions") ?? "").split(","),
    repository: form.get("repository") || null,
    package: (form.get("package") ?? "").trim() || null,
  });
}

export function tokenTable(
  tokens: readonly TokenShape[],
  { now }: Pick<Visit, "now">,
  { back, without, isOfOne = false }: { back: string; without: string; isOfOne?: boolean },
): Part {
  if (tokens.length === 0) return empty(without);
  const owner = isOfOne ? [] : [{ label: "Owner" }];
  return table(
    "Tokens, the newest first",
    [
      { label: "Token" },
      ...owner,
      { label: "May" },
      { label: "Made", kind: "tight" },
      { label: "Last used", kind: "tight" },
      { label: "Until", kind: "tight" },
      { label: "Revoke", isHidden: true },
    ],
    tokens.map((token) => [
      html`${token.name} <code class="soft">${token.prefix}…</code>`,
      ...(isOfOne ? [] : [token.owner]),
      tokenWords(token),
      since(token.createdAt, now),
      since(token.lastUsedAt, now, "never"),
      since(token.expiresAt, now, "no end"),
      takeLink("token", { id: token.id }, "Revoke", `${token.name} of ${token.owner}`, back),
    ]),
    { isList: false },
  );
}

export function tokenWords({ scope, cidrs }: TokenShape): string {
  const from = cidrs.length > 0 ? ` · from ${cidrs.join(", ")}` : "";
  return scopeWords(scope, "all that its owner may") + from;
}
