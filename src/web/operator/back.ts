// `/-/operator/withheld/back`: asks once more before a waiver or a block is taken back.
import { Problem } from "../../core/problem.ts";
import { html } from "../frame/html.ts";
import { moment } from "../frame/text.ts";
import { facts } from "../frame/ui.ts";
import { field, hidden } from "../people/forms.ts";
import { type Listed, operatorPage, since } from "./pieces.ts";
import type { ExceptionShape } from "./shapes.ts";
import { formPage, pathOf, type Visit } from "./visit.ts";
import { TAKE_BACK } from "./withheld.ts";

const LIST = "/-/operator/withheld";

const KINDS = {
  waiver: {
    path: "/waivers",
    title: "Take this waiver back?",
    says: "The rules hold again from the next request on: what they hold or block is not sent any more.",
  },
  block: {
    path: "/blocks",
    title: "Take this block back?",
    says: "Clients are sent it from their next request on, unless a rule keeps it from them.",
  },
} as const;

export const serveBack = formPage(
  async (visit, wrong) => {
    const form = visit.request.method === "POST" ? await visit.form() : visit.query;
    const { kind, one } = await askedOf(visit, form);
    const { title, says } = KINDS[kind];
    return operatorPage(
      {
        title,
        here: LIST,
        wrong,
        main: html`<p>${says}</p>${facts([
          ["Release", `${one.purl} ${one.versions}`],
          ["Repository", one.repository ?? "all"],
          ["Reason", one.reason],
          ["By", html`${one.owner} ${since(one.createdAt, visit.now)}`],
          ["Until", one.until === null ? null : moment(Date.parse(one.until))],
        ])}
<form class="narrow" method="post" action="${TAKE_BACK}">${hidden("kind", kind)}${hidden("id", one.id)}${field("reason", "Reason", { hint: "It stands in the audit log", value: form.get("reason") ?? "" })}<button>Take it back</button> <a class="button quiet" href="${LIST}">Leave it as it is</a></form>`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const { kind, one } = await askedOf(visit, form);
    const reason = (form.get("reason") ?? "").trim();
    if (reason === "") throw new Problem("badRequest", "Say why: it stands in the audit log");
    await visit.send("DELETE", `${KINDS[kind].path}${pathOf`/${one.id}`}`, undefined, { reason });
    return `${LIST}?done=revoked`;
  },
);

/** Throws Problem("notFound") for what is not there, or not any more. */
async function askedOf(visit: Visit, form: URLSearchParams) {
  const kind = form.get("kind") === "block" ? "block" : "waiver";
  const { items } = await visit.get<Listed<ExceptionShape>>(KINDS[kind].path, { limit: "1000" });
  const one = items.find(({ id }) => id === form.get("id"));
  if (!one) throw new Problem("notFound", `There is no such ${kind}, or it was taken back`);
  return { kind, one } as const;
}
