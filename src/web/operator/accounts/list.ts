// `/-/operator/accounts` and below: the users, teams, grants and tokens of the server, and making one.
import { Problem } from "../../../core/problem.ts";
import { html, type Part } from "../../frame/html.ts";
import { chip, empty, table } from "../../frame/ui.ts";
import { field, hidden } from "../../people/forms.ts";
import { filters, input, type Listed, operatorPage, since } from "../pieces.ts";
import { asProblem, formPage, pathOf, type Serve, type Visit } from "../visit.ts";
import {
  ACCOUNTS,
  accountTabs,
  GRANTS,
  give,
  giveForm,
  grantTable,
  onward,
  requireFresh,
  TEAMS,
  TOKENS,
  teamPath,
  tokenTable,
  userPath,
  whenFresh,
} from "./pieces.ts";
import type { GrantShape, TeamShape, TokenShape, UserShape } from "./shapes.ts";

const SHOWN = "100";

/** What was typed into the form that went wrong; nothing otherwise. */
async function typedIn(visit: Visit): Promise<(name: string) => string> {
  const form = visit.request.method === "POST" ? await visit.form() : null;
  return (name) => form?.get(name) ?? "";
}

/** Throws Problem("badRequest") for none. */
function nameIn(form: URLSearchParams): string {
  const name = (form.get("name") ?? "").trim().toLowerCase();
  if (name === "") throw new Problem("badRequest", "It needs a name");
  return name;
}

const DONE: Readonly<Record<string, string>> = {
  user: "The user is gone, with their grants, teams and tokens.",
  team: "The team is gone, with its grants.",
  given: "It is given, and holds from the next request on.",
  grant: "It is taken back, from the next request on.",
  token: "The token works no more.",
};

/** A page of the four. */
function listPage(
  visit: Visit,
  view: { here: string; title: string; wrong: Problem | null },
  main: Part,
) {
  return operatorPage(
    {
      title: view.title,
      here: ACCOUNTS,
      wrong: view.wrong,
      done: DONE[visit.query.get("done") ?? ""] ?? null,
      main: html`${accountTabs(view.here)}${main}`,
    },
    visit,
  );
}

export const serveUsers = formPage(
  async (visit, wrong) => {
    const search = visit.query.get("search");
    const found = await visit.get<Listed<UserShape>>("/users", {
      search,
      limit: SHOWN,
      cursor: visit.query.get("cursor"),
    });
    const typed = await typedIn(visit);
    const form = html`<form class="narrow" method="post" action="${ACCOUNTS}">${hidden("do", "user")}${field("name", "Name", { value: typed("name"), hint: "Small letters, digits and . _ @ + -" })}${field("email", "Mail address", { value: typed("email"), isFree: true, type: "email" })}<label class="choice"><input type="checkbox" name="admin" value="yes"> May do everything</label><button>Make the user</button></form><p class="soft">No password is asked for: on the page of the user you make a link by which they choose their own. Who logs in through another system needs none.</p>`;
    return listPage(
      visit,
      { here: ACCOUNTS, title: "Users", wrong },
      html`${filters(ACCOUNTS, [input("search", "Name or address", search, "search")])}${userTable(found.items, visit, search !== null)}${onward(ACCOUNTS, visit.query, found.next)}
<h2>A new user</h2>${await whenFresh(visit, ACCOUNTS, form)}`,
    );
  },
  async (visit, form) => {
    const name = nameIn(form);
    await requireFresh(visit);
    // The API changes who is here already, and a form that makes somebody is not to.
    const isKnown = await visit.get(`/users${pathOf`/${name}`}`).then(
      () => true,
      (error) => {
        if (asProblem(error).kind === "notFound") return false;
        throw error;
      },
    );
    if (!isKnown)
      await visit.send("PUT", `/users${pathOf`/${name}`}`, {
        email: (form.get("email") ?? "").trim(),
        admin: form.get("admin") === "yes",
      });
    return `${userPath(name)}?done=${isKnown ? "known" : "made"}`;
  },
);

function userTable(users: readonly UserShape[], { now }: Visit, isSearch: boolean): Part {
  if (users.length === 0)
    return empty(isSearch ? "No user has that in a name or an address." : "There are no users.");
  return table(
    "Users",
    [
      { label: "User" },
      { label: "May" },
      { label: "Teams" },
      { label: "Logs in with" },
      { label: "Since", kind: "tight" },
    ],
    users.map((one) => [
      html`<a href="${userPath(one.name)}">${one.name}</a>${one.email ? html` <span class="soft">${one.email}</span>` : null}`,
      one.disabledAt
        ? html`${chip("bad", "disabled")} ${since(one.disabledAt, now)}`
        : one.isAdmin
          ? "everything"
          : "what grants say",
      one.teams.join(", ") || "–",
      one.hasPassword ? "a password" : "another system",
      since(one.createdAt, now),
    ]),
  );
}

export const serveTeams = formPage(
  async (visit, wrong) => {
    const found = await visit.get<Listed<TeamShape>>("/teams", {
      limit: SHOWN,
      cursor: visit.query.get("cursor"),
    });
    const typed = await typedIn(visit);
    const form = html`<form class="narrow" method="post" action="${TEAMS}">${field("name", "Name", { value: typed("name"), hint: "Small letters, digits and . _ @ + -" })}<button>Make the team</button></form>`;
    const teams =
      found.items.length === 0
        ? empty("There are no teams.")
        : table(
            "Teams",
            [{ label: "Team" }, { label: "Members" }, { label: "Where it stands" }],
            found.items.map(({ name, members, isStored, configured }) => [
              html`<a href="${teamPath(name)}">${name}</a>`,
              members.join(", ") || "–",
              isStored
                ? configured.length > 0
                  ? "here, and in the configuration"
                  : "here"
                : "in the configuration",
            ]),
          );
    return listPage(
      visit,
      { here: TEAMS, title: "Teams", wrong },
      html`${teams}${onward(TEAMS, visit.query, found.next)}
<h2>A new team</h2>${await whenFresh(visit, TEAMS, form)}`,
    );
  },
  async (visit, form) => {
    await requireFresh(visit);
    const name = nameIn(form);
    await visit.send("PUT", `/teams${pathOf`/${name}`}`);
    return `${teamPath(name)}?done=made`;
  },
);

export const serveGrants = formPage(
  async (visit, wrong) => {
    const found = await visit.get<Listed<GrantShape>>("/grants", {
      limit: SHOWN,
      cursor: visit.query.get("cursor"),
    });
    const form = await giveForm(GRANTS, null, visit, await typedIn(visit));
    return listPage(
      visit,
      { here: GRANTS, title: "Grants", wrong },
      html`${grantTable(found.items, {
        caption: "What was given to whom, and where that stands",
        back: GRANTS,
        without: "Nothing is given to anybody by name.",
      })}${onward(GRANTS, visit.query, found.next)}
<h2>Give something</h2>${await whenFresh(visit, GRANTS, form)}`,
    );
  },
  async (visit, form) => {
    await give((form.get("holder") ?? "").trim(), visit, form);
    return `${GRANTS}?done=given`;
  },
);

export const serveTokens: Serve = async (visit) => {
  const user = visit.query.get("user");
  const found = await visit.get<Listed<TokenShape>>("/tokens", {
    user,
    limit: SHOWN,
    cursor: visit.query.get("cursor"),
  });
  return listPage(
    visit,
    { here: TOKENS, title: "Tokens", wrong: null },
    html`${filters(TOKENS, [input("user", "Owner", user)])}${tokenTable(found.items, visit, {
      back: TOKENS,
      without: user ? `${user} has no token.` : "There are no tokens.",
    })}${onward(TOKENS, visit.query, found.next)}
<p class="soft">People make their own at <a href="/-/account">their account</a>; one for somebody else, a build for instance, is made on the page of its user.</p>`,
  );
};
