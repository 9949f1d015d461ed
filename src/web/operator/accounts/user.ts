// `/-/operator/accounts/users/{user}`: one user: what is said of them, how they come in, their teams, what they may, their tokens.
import { html, type Part } from "../../frame/html.ts";
import { moment } from "../../frame/text.ts";
import { chip, copyable, empty, facts, notice, table } from "../../frame/ui.ts";
import { field, hidden } from "../../people/forms.ts";
import { isOfField, tokenForm, wishOf } from "../../people/token-form.ts";
import { action, choices, type Listed, operatorPage, select, since } from "../pieces.ts";
import { address, formPage, pathOf, type Visit } from "../visit.ts";
import {
  ACCOUNTS,
  ALL,
  accountTabs,
  give,
  giveForm,
  grantTable,
  requireFresh,
  takeLink,
  teamPath,
  tokenTable,
  userPath,
  whenFresh,
} from "./pieces.ts";
import type { GrantShape, TeamShape, TokenShape, UserShape } from "./shapes.ts";

const DONE: Readonly<Record<string, string>> = {
  made: "The user is made. Make a link by which they set a password, and say what they may.",
  known: "There is a user of that name already: this is the one. Nothing was changed.",
  changed: "It is changed.",
  joined: "They are in the team now.",
  given: "It is given, and holds from their next request on.",
  grant: "It is taken back, from their next request on.",
  token: "The token works no more.",
  leave: "They are out of the team.",
  link: "The link leads nowhere any more.",
  disable: "They may do nothing from now on, with no token either.",
  password: "They have no password here any more.",
};

export const serveUser = formPage(
  async (visit, wrong) => {
    const api = `/users${pathOf`/${visit.params["user"]!}`}`;
    const user = await visit.get<UserShape>(api);
    const path = userPath(user.name);
    const [access, tokens, teams, { open }] = await Promise.all([
      visit.get<{ grants: GrantShape[] }>(`${api}/access`),
      visit.get<Listed<TokenShape>>("/tokens", { ...ALL, user: user.name }),
      visit.get<Listed<TeamShape>>("/teams", ALL),
      visit.get<{ open: OpenLink | null }>(`${api}/invitation`),
    ]);
    const form = visit.request.method === "POST" ? await visit.form() : null;
    const did = form?.get("do");
    const typed = (name: string) => (did === "give" ? (form?.get(name) ?? "") : "");
    const isBeside = wrong !== null && isOfField(wrong);
    return operatorPage(
      {
        title: user.name,
        here: ACCOUNTS,
        beside: stateOf(user),
        wrong: isBeside ? null : wrong,
        done: DONE[visit.query.get("done") ?? ""] ?? null,
        main: html`${accountTabs(ACCOUNTS)}${await madeOf(visit)}${about(user, visit)}
<h2>Coming in</h2>${await comingIn(user, open, path, visit)}
<h2>Teams</h2>${await teamsOf(user, teams.items, path, visit)}
<h2>What ${user.name} may</h2>${grantTable(access.grants, {
          caption: `What ${user.name} may, and where that stands`,
          back: path,
          without: user.disabledAt ? "Nothing, while they are disabled." : "Nothing yet.",
        })}
<details${did === "give" ? html` open` : null}><summary>Give something to ${user.name}</summary><div class="inner">${await whenFresh(visit, path, await giveForm(path, `user:${user.name}`, visit, typed))}</div></details>
<h2>Tokens</h2>${tokenTable(tokens.items, visit, { back: path, isOfOne: true, without: "None yet." })}
<details${did === "make" ? html` open` : null}><summary>Make a token of ${user.name}</summary><div class="inner">${await whenFresh(visit, path, tokenForm(path, did === "make" && wrong ? { problem: wrong, form: form! } : undefined))}</div></details>
<h2>Take away</h2>${takings(user, path)}`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const name = visit.params["user"]!;
    const api = `/users${pathOf`/${name}`}`;
    const path = userPath(name);
    switch (form.get("do")) {
      case "enable":
        await visit.send("DELETE", `${api}/disabled`);
        return path;
      case "profile":
        await visit.send("PUT", api, {
          email: (form.get("email") ?? "").trim(),
          fullName: (form.get("fullName") ?? "").trim(),
        });
        return `${path}?done=changed`;
      case "give":
        await give(`user:${name}`, visit, form);
        return `${path}?done=given`;
      case "join":
        await requireFresh(visit);
        await visit.send(
          "PUT",
          `/teams${pathOf`/${form.get("team") ?? ""}`}/members${pathOf`/${name}`}`,
        );
        return `${path}?done=joined`;
      case "link": {
        await requireFresh(visit);
        const { path: link } = await visit.send<{ path: string }>("POST", `${api}/invitation`, {});
        return address(path, { link: await visit.keep(visit.request.origin + link) });
      }
      default: {
        await requireFresh(visit);
        const { expiresAt, ...wish } = wishOf(form, visit.now);
        const { secret } = await visit.send<{ secret: string }>("POST", `${api}/tokens`, {
          ...wish,
          expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
        });
        // Shown by another page: whoever loads that again makes no second token.
        return address(path, { token: await visit.keep(secret) });
      }
    }
  },
);

interface OpenLink {
  createdAt: string;
  createdBy: string;
  until: string;
}

function stateOf({ disabledAt, isAdmin }: UserShape): Part {
  if (disabledAt !== null) return chip("bad", "disabled");
  return isAdmin ? chip("plain", "administrator") : null;
}

/** What was made just now, and is shown this once. */
async function madeOf(visit: Visit): Promise<Part> {
  const [token, link] = [await visit.shown("token"), await visit.shown("link")];
  const told = (what: string, text: string, of: string) =>
    html`<div class="notice good" role="status"><p>${what} It is shown this once:</p>${copyable("made", text, of)}</div>`;
  if (token !== null) return told("The new token.", token, "the token");
  if (link === null) return null;
  return told("The link by which a password is set, once. Whoever has it is let in.", link, "it");
}

function about(user: UserShape, { now }: Visit): Part {
  return html`${facts([
    ["Full name", user.fullName],
    ["Mail", user.email],
    ["Made", html`${since(user.createdAt, now)} by ${user.createdBy}`],
    ["Disabled", user.disabledAt && since(user.disabledAt, now)],
    [
      "Look further",
      html`<a href="${address("/-/operator/audit", { user: user.name })}">What they did</a> · <a href="${address("/-/operator/fetches", { principal: user.name })}">What they fetched</a>`,
    ],
  ])}<details><summary>Change what is said of ${user.name}</summary><form class="narrow inner" method="post" action="${userPath(user.name)}">${hidden("do", "profile")}${field("fullName", "Full name", { value: user.fullName, isFree: true })}${field("email", "Mail address", { value: user.email, isFree: true, type: "email" })}<button>Change it</button></form></details>`;
}

async function comingIn(
  user: UserShape,
  open: OpenLink | null,
  path: string,
  visit: Visit,
): Promise<Part> {
  const how = user.hasPassword
    ? html`<p>With a password of this server.</p>`
    : html`<p>Without a password here: through another system, or by a link.</p>`;
  if (user.disabledAt !== null)
    return html`${how}${notice("warn", html`<p>Disabled ${since(user.disabledAt, visit.now)}: nothing is let in under this name.</p>`)}${action(path, { do: "enable" }, "Let in again", user.name)}`;
  const link = open
    ? html`<p>A link by ${open.createdBy} is open until ${moment(Date.parse(open.until))}. ${takeLink("link", { id: user.name }, "End it", `of ${user.name}`, path)}</p>`
    : null;
  const make = html`<p class="soft">A link is good for one password, for three days${open ? "; a new one ends the one before" : ""}.</p>${action(path, { do: "link" }, "Make a link to set a password", user.name)}`;
  return html`${how}${link}${await whenFresh(visit, path, make)}`;
}

async function teamsOf(
  user: UserShape,
  teams: readonly TeamShape[],
  path: string,
  visit: Visit,
): Promise<Part> {
  const own = teams.filter(({ members }) => members.includes(user.name));
  const others = teams.filter(({ isStored, members }) => isStored && !members.includes(user.name));
  const rows = own.map(({ name, configured }) => [
    html`<a href="${teamPath(name)}">${name}</a>`,
    configured.includes(user.name)
      ? html`<span class="soft">in the configuration</span>`
      : takeLink("leave", { id: name, user: user.name }, "Take out", `of ${name}`, path),
  ]);
  const join =
    others.length === 0
      ? null
      : await whenFresh(
          visit,
          path,
          html`<form class="inline" method="post" action="${path}">${hidden("do", "join")}${select(
            "team",
            "Team",
            choices(others.map(({ name }) => name)),
            null,
          )}<button class="quiet">Put into it</button></form>`,
        );
  return html`${
    rows.length === 0
      ? empty("In none.")
      : table("Teams", [{ label: "Team" }, { label: "Take out", isHidden: true }], rows, {
          isList: false,
        })
  }${join ? html`<div class="apart">${join}</div>` : null}`;
}

function takings({ name, disabledAt, hasPassword }: UserShape, path: string): Part {
  const back = ACCOUNTS;
  return html`<div class="inline">${
    disabledAt === null ? takeLink("disable", { id: name }, "Disable", name, path) : null
  }${
    hasPassword
      ? takeLink("password", { id: name }, "Take the password away", `of ${name}`, path)
      : null
  }${takeLink("user", { id: name }, "Remove", name, back)}</div>`;
}
