// `/-/operator/accounts/take`: asks once more before something is taken away from people: what that means, and why it is done.
import { Problem } from "../../../core/problem.ts";
import { html, type Part } from "../../frame/html.ts";
import { moment } from "../../frame/text.ts";
import { facts } from "../../frame/ui.ts";
import { field, hidden, nextOf } from "../../people/forms.ts";
import { type Listed, operatorPage, since } from "../pieces.ts";
import { formPage, type Method, pathOf, type Visit } from "../visit.ts";
import { ACCOUNTS, ALL, holderLink, tokenWords } from "./pieces.ts";
import type { GrantShape, TeamShape, TokenShape, UserShape } from "./shapes.ts";

/** What is asked, and how it is done. */
interface Taking {
  title: string;
  /** What comes of it. */
  says: Part;
  facts: readonly (readonly [name: string, value: Part])[];
  button: string;
  method: Exclude<Method, "GET">;
  path: string;
  body?: unknown;
}

type Ask = (visit: Visit, id: string, user: string) => Promise<Taking>;

const KINDS: Readonly<Record<string, Ask>> = {
  async disable(visit, id) {
    const user = await visit.get<UserShape>(`/users${pathOf`/${id}`}`);
    return {
      title: `Disable ${user.name}?`,
      says: "They may do nothing from their next request on, with no token either. All that they were given stays for when they are let in again.",
      facts: await factsOf(user, visit),
      button: "Disable",
      method: "PUT",
      path: `/users${pathOf`/${id}`}/disabled`,
    };
  },
  async user(visit, id) {
    const user = await visit.get<UserShape>(`/users${pathOf`/${id}`}`);
    return {
      title: `Remove ${user.name}?`,
      says: "Their grants, teams and tokens go with them, and cannot be had back. What they published stays. Who has this name next is somebody else.",
      facts: await factsOf(user, visit),
      button: "Remove",
      method: "DELETE",
      path: `/users${pathOf`/${id}`}`,
    };
  },
  async password(visit, id) {
    const user = await visit.get<UserShape>(`/users${pathOf`/${id}`}`);
    return {
      title: `Take the password of ${user.name} away?`,
      says: `It ends their sessions in browsers; tokens stay. Whoever logs in first under this name through another system (OpenID Connect, LDAP) is ${user.name} then, with all that ${user.name} may.`,
      facts: await factsOf(user, visit),
      button: "Take it away",
      method: "PUT",
      path: `/users${pathOf`/${id}`}/password`,
      body: { password: null },
    };
  },
  async link(visit, id) {
    const user = await visit.get<UserShape>(`/users${pathOf`/${id}`}`);
    return {
      title: `End the link of ${user.name}?`,
      says: "Whoever has it is told that it leads nowhere any more.",
      facts: [],
      button: "End it",
      method: "DELETE",
      path: `/users${pathOf`/${id}`}/invitation`,
    };
  },
  async leave(visit, id, user) {
    const { items } = await visit.get<Listed<GrantShape>>("/grants", ALL);
    const given = items.filter(({ holder }) => holder === `team:${id}`);
    return {
      title: `Take ${user} out of the team ${id}?`,
      says: html`They lose what they may by it alone, from their next request on. Where groups of another system lead into this team, their next log-in puts them in again.`,
      facts: [["The team was given", given.map(grantWords).join("; ") || "nothing"]],
      button: "Take out",
      method: "DELETE",
      path: `/teams${pathOf`/${id}`}/members${pathOf`/${user}`}`,
    };
  },
  async team(visit, id) {
    const team = await visit.get<TeamShape>(`/teams${pathOf`/${id}`}`);
    const { items } = await visit.get<Listed<GrantShape>>("/grants", ALL);
    const given = items.filter((one) => one.id !== null && one.holder === `team:${team.name}`);
    return {
      title: `Remove the team ${team.name}?`,
      says: "Its grants go with it, and cannot be had back. Its members stay, and lose what they may by it alone.",
      facts: [
        ["Members", team.members.join(", ") || "none"],
        ["Was given", given.map(grantWords).join("; ") || "nothing"],
      ],
      button: "Remove",
      method: "DELETE",
      path: `/teams${pathOf`/${id}`}`,
    };
  },
  async grant(visit, id) {
    const grant = await visit.get<GrantShape>(`/grants${pathOf`/${id}`}`);
    return {
      title: "Take this back?",
      says: "It holds from the next request on. Other grants stay, and may allow the same.",
      facts: [
        ["To", holderLink(grant.holder)],
        ["May", grantWords(grant)],
        ["Where it stands", grant.source],
      ],
      button: "Take back",
      method: "DELETE",
      path: `/grants${pathOf`/${id}`}`,
    };
  },
  async token(visit, id) {
    const token = await visit.get<TokenShape>(`/tokens${pathOf`/${id}`}`);
    return {
      title: `Revoke ${token.name} of ${token.owner}?`,
      says: "Whatever uses this token is refused from its next request on. It cannot be taken back.",
      facts: [
        ["Begins", html`<code>${token.prefix}…</code>`],
        ["May", tokenWords(token)],
        ["Made", since(token.createdAt, visit.now)],
        ["Last used", since(token.lastUsedAt, visit.now, "never")],
        ["Until", token.expiresAt ? moment(Date.parse(token.expiresAt)) : "no end"],
      ],
      button: "Revoke it",
      method: "DELETE",
      path: `/tokens${pathOf`/${id}`}`,
    };
  },
};

export const serveTake = formPage(
  async (visit, wrong) => {
    const form = visit.request.method === "POST" ? await visit.form() : visit.query;
    const asked = askedOf(form);
    const taking = await asked.ask(visit, asked.id, asked.user);
    return operatorPage(
      {
        title: taking.title,
        here: ACCOUNTS,
        wrong,
        main: html`<p>${taking.says}</p>${facts(taking.facts)}
<form class="narrow" method="post" action="${ACCOUNTS}/take">${hidden("what", asked.what)}${hidden("id", asked.id)}${asked.user ? hidden("user", asked.user) : null}${hidden("back", asked.back)}${field("reason", "Reason", { hint: "It stands in the audit log", value: form.get("reason") ?? "" })}<button>${taking.button}</button> <a class="button quiet" href="${asked.back}">Leave it as it is</a></form>`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const { ask, what, id, user, back } = askedOf(form);
    const reason = (form.get("reason") ?? "").trim();
    if (reason === "") throw new Problem("badRequest", "Say why: it stands in the audit log");
    const { method, path, body } = await ask(visit, id, user);
    await visit.send(method, path, body, { reason });
    return `${back}?done=${what}`;
  },
);

/** Throws Problem("notFound") for what no page of ours asks. */
function askedOf(form: URLSearchParams) {
  const what = form.get("what") ?? "";
  const ask = Object.hasOwn(KINDS, what) ? KINDS[what]! : null;
  if (!ask) throw new Problem("notFound", "There is nothing of that kind to take away");
  const back = nextOf(form.get("back"));
  return {
    ask,
    what,
    id: form.get("id") ?? "",
    user: form.get("user") ?? "",
    back: back.startsWith(ACCOUNTS) ? back.split("?")[0]! : ACCOUNTS,
  };
}

async function factsOf(user: UserShape, visit: Visit): Promise<Taking["facts"]> {
  const { items, next } = await visit.get<Listed<TokenShape>>("/tokens", {
    ...ALL,
    user: user.name,
  });
  return [
    ["May", user.isAdmin ? "everything" : "what grants say"],
    ["Teams", user.teams.join(", ") || "none"],
    ["Tokens", `${items.length}${next ? " and more" : ""}`],
  ];
}

function grantWords({ actions, repositories, packages }: GrantShape): string {
  const where = repositories ? ` in ${repositories.join(", ")}` : "";
  return `${actions.join(", ")}${where}${packages ? ` with ${packages.join(", ")}` : ""}`;
}
