// `/-/operator/accounts`: users, teams, what they were given and where that stands, and tokens.
import { html, type Part } from "../frame/html.ts";
import { chip, empty, table } from "../frame/ui.ts";
import { action, type Listed, operatorPage, since } from "./pieces.ts";
import { formPage, pathOf, type Visit } from "./visit.ts";

const HERE = "/-/operator/accounts";

interface UserShape {
  name: string;
  email: string;
  createdAt: string;
  disabledAt: string | null;
  isAdmin: boolean;
  hasPassword: boolean;
  teams: string[];
}

interface GrantShape {
  id: string | null;
  holder: string;
  actions: string[];
  repositories: string[] | null;
  packages: string[] | null;
  source: string;
}

interface TokenShape {
  id: string;
  owner: string;
  name: string;
  prefix: string;
  scope: Record<"repositories" | "packages" | "actions", string[] | null>;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

const ALL = { limit: "1000" };

export const serveAccounts = formPage(
  async (visit, wrong) => {
    const [users, teams, grants, tokens] = await Promise.all([
      visit.get<Listed<UserShape>>("/users", ALL),
      visit.get<Listed<{ name: string; members: string[] }>>("/teams", ALL),
      visit.get<Listed<GrantShape>>("/grants", ALL),
      visit.get<Listed<TokenShape>>("/tokens", ALL),
    ]);
    return operatorPage(
      {
        title: "Accounts",
        here: HERE,
        wrong,
        lead: html`Users and teams are made with <code>holdfast user add</code> and <code>holdfast team add</code>, or over the API. What stands in the configuration is changed there.`,
        main: html`<h2>Users</h2>${userTable(users.items, visit)}
<h2>Teams</h2>${teamTable(teams.items)}
<h2>Grants</h2>${grantTable(grants.items)}
<h2>Tokens</h2>${tokenTable(tokens.items, visit)}`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const id = form.get("id") ?? "";
    switch (form.get("do")) {
      case "disable":
        await visit.send("PUT", `/users${pathOf`/${id}`}/disabled`);
        break;
      case "enable":
        await visit.send("DELETE", `/users${pathOf`/${id}`}/disabled`);
        break;
      case "ungrant":
        await visit.send("DELETE", `/grants${pathOf`/${id}`}`);
        break;
      default:
        await visit.send("DELETE", `/tokens${pathOf`/${id}`}`);
    }
    return HERE;
  },
);

function userTable(users: readonly UserShape[], { now }: Visit): Part {
  if (users.length === 0) return empty("There are no users.");
  return table(
    "Users",
    [
      { label: "User" },
      { label: "May" },
      { label: "Teams" },
      { label: "Logs in with" },
      { label: "Since", kind: "tight" },
      { label: "Let in", isHidden: true },
    ],
    users.map((one) => [
      html`${one.name}${one.email ? html` <span class="soft">${one.email}</span>` : null}`,
      one.disabledAt
        ? html`${chip("bad", "disabled")} ${since(one.disabledAt, now)}`
        : one.isAdmin
          ? "everything"
          : "what grants say",
      one.teams.join(", ") || "–",
      one.hasPassword ? "a password" : "another system",
      since(one.createdAt, now),
      one.disabledAt
        ? action(HERE, { do: "enable", id: one.name }, "Let in again", one.name)
        : action(HERE, { do: "disable", id: one.name }, "Disable", one.name),
    ]),
    { isList: false },
  );
}

function teamTable(teams: readonly { name: string; members: string[] }[]): Part {
  if (teams.length === 0) return empty("There are no teams.");
  return table(
    "Teams",
    [{ label: "Team" }, { label: "Members" }],
    teams.map(({ name, members }) => [name, members.join(", ") || "–"]),
    { isList: false },
  );
}

function grantTable(grants: readonly GrantShape[]): Part {
  if (grants.length === 0) return empty("Nothing is given to anybody by name.");
  return table(
    "What was given to whom, and where that stands",
    [
      { label: "To" },
      { label: "May" },
      { label: "Repositories" },
      { label: "Packages" },
      { label: "Where it stands" },
      { label: "Take back", isHidden: true },
    ],
    grants.map(({ id, holder, actions, repositories, packages, source }) => [
      holder,
      actions.join(", "),
      repositories?.join(", ") ?? "all",
      packages?.join(", ") ?? "all",
      source,
      id === null
        ? html`<span class="soft">in the configuration</span>`
        : action(HERE, { do: "ungrant", id }, "Take back", `from ${holder}`),
    ]),
    { isList: false },
  );
}

function tokenTable(tokens: readonly TokenShape[], { now }: Visit): Part {
  if (tokens.length === 0) return empty("There are no tokens.");
  return table(
    "Tokens",
    [
      { label: "Token" },
      { label: "Owner" },
      { label: "May" },
      { label: "Made", kind: "tight" },
      { label: "Last used", kind: "tight" },
      { label: "Until", kind: "tight" },
      { label: "Revoke", isHidden: true },
    ],
    tokens.map(({ id, owner, name, prefix, scope, ...times }) => [
      html`${name} <code class="soft">${prefix}…</code>`,
      owner,
      [scope.actions, scope.repositories, scope.packages]
        .map((part) => part?.join(", "))
        .filter(Boolean)
        .join(" · ") || "all that its owner may",
      since(times.createdAt, now),
      since(times.lastUsedAt, now, "never"),
      since(times.expiresAt, now, "no end"),
      action(HERE, { do: "revoke", id }, "Revoke", `${name} of ${owner}`),
    ]),
    { isList: false },
  );
}
