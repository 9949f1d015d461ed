// `/-/operator/accounts/teams/{team}`: one team: its members, and what they may by it.
import { html, type Part } from "../../frame/html.ts";
import { chip, empty, table } from "../../frame/ui.ts";
import { field, hidden } from "../../people/forms.ts";
import { type Listed, operatorPage } from "../pieces.ts";
import { formPage, pathOf } from "../visit.ts";
import {
  ACCOUNTS,
  ALL,
  accountTabs,
  give,
  giveForm,
  grantTable,
  requireFresh,
  TEAMS,
  takeLink,
  teamPath,
  userPath,
  whenFresh,
} from "./pieces.ts";
import type { GrantShape, TeamShape } from "./shapes.ts";

const DONE: Readonly<Record<string, string>> = {
  made: "The team is made. Put somebody into it, and say what they may.",
  joined: "They are in the team now.",
  given: "It is given, and holds from the next request on.",
  grant: "It is taken back, from the next request on.",
  leave: "They are out of the team.",
};

export const serveTeam = formPage(
  async (visit, wrong) => {
    const team = await visit.get<TeamShape>(`/teams${pathOf`/${visit.params["team"]!}`}`);
    const { items } = await visit.get<Listed<GrantShape>>("/grants", ALL);
    const path = teamPath(team.name);
    const form = visit.request.method === "POST" ? await visit.form() : null;
    const typedIn = (what: string) => (name: string) =>
      form?.get("do") === what ? (form.get(name) ?? "") : "";
    const join = html`<form class="narrow" method="post" action="${path}">${hidden("do", "join")}${field("user", "User", { value: typedIn("join")("user") })}<button>Put into the team</button></form>`;
    const giving = await giveForm(path, `team:${team.name}`, visit, typedIn("give"));
    return operatorPage(
      {
        title: team.name,
        here: ACCOUNTS,
        beside: team.isStored ? null : chip("plain", "in the configuration"),
        wrong,
        done: DONE[visit.query.get("done") ?? ""] ?? null,
        main: html`${accountTabs(TEAMS)}<h2>Members</h2>${memberTable(team, path)}
${team.isStored ? html`<details${form?.get("do") === "join" ? html` open` : null}><summary>Put somebody into it</summary><div class="inner">${await whenFresh(visit, path, join)}</div></details>` : html`<p class="soft">It stands in the configuration (access: teams) and is changed there.</p>`}
<h2>What its members may by it</h2>${grantTable(
          items.filter(({ holder }) => holder === `team:${team.name}`),
          {
            caption: `What the team ${team.name} was given, and where that stands`,
            back: path,
            without: "Nothing yet.",
          },
        )}
<details${form?.get("do") === "give" ? html` open` : null}><summary>Give something to the team</summary><div class="inner">${await whenFresh(visit, path, giving)}</div></details>
${team.isStored ? html`<h2>Take away</h2><div class="inline">${takeLink("team", { id: team.name }, "Remove the team", team.name, TEAMS)}</div>` : null}`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const name = visit.params["team"]!;
    const path = teamPath(name);
    if (form.get("do") === "give") {
      await give(`team:${name}`, visit, form);
      return `${path}?done=given`;
    }
    await requireFresh(visit);
    const user = (form.get("user") ?? "").trim();
    await visit.send("PUT", `/teams${pathOf`/${name}`}/members${pathOf`/${user}`}`);
    return `${path}?done=joined`;
  },
);

function memberTable({ name, members, isStored, configured }: TeamShape, path: string): Part {
  if (members.length === 0) return empty("Nobody yet.");
  return table(
    "Members",
    [{ label: "User" }, { label: "Take out", isHidden: true }],
    members.map((user) => [
      html`<a href="${userPath(user)}">${user}</a>`,
      !isStored || configured.includes(user)
        ? html`<span class="soft">in the configuration</span>`
        : takeLink("leave", { id: name, user }, "Take out", user, path),
    ]),
    { isList: false },
  );
}
