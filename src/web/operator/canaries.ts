// `/-/operator/canaries`: what made-up packages proved last, what is wrong where one is red, and another round.
import { html } from "../frame/html.ts";
import { chip, empty, notice, table } from "../frame/ui.ts";
import { ADVICE } from "./advice.ts";
import { action, operatorPage, since } from "./pieces.ts";
import { repositoryPath } from "./repositories.ts";
import type { CanariesShape, RunShape } from "./shapes.ts";
import { address, formPage, type Visit } from "./visit.ts";

export const CANARIES = "/-/operator/canaries";

export const serveCanaries = formPage(
  async (visit, wrong) => {
    const found = await visit.get<CanariesShape>("/canaries");
    const isRed = found.results.some(({ state }) => state === "red");
    const advice = ADVICE["canary-red"]!;
    return operatorPage(
      {
        title: "Canaries",
        here: "/-/operator",
        wrong,
        lead: "Each repository proves every ten minutes that it does what its rules say, with packages that nobody else sees.",
        main: html`${canaryTable(found, visit)}${isRed ? html`<p>${advice.means} ${advice.todo}</p>` : null}
<div class="apart inline">${action(CANARIES, { do: "run" }, "Ask all of them again")}<a class="button quiet" href="${address("/-/operator/events", { kind: "canary-red" })}">When one was red</a></div>`,
      },
      visit,
    );
  },
  async (visit) => {
    const { id } = await visit.send<RunShape>("POST", "/operations", { name: "canary run" });
    return `/-/operator/operations/${id}`;
  },
);

const PROVES: Readonly<Record<string, string>> = {
  good: "Served",
  bad: "Blocked",
  young: "Held",
  tampered: "Refused",
  private: "Never asked",
};

const TONES: Readonly<Record<string, [tone: "good" | "bad" | "plain", word: string]>> = {
  green: ["good", "proven"],
  red: ["bad", "red"],
  unproven: ["plain", "cannot be told"],
};

/** A row for each repository, a column for what each made-up package proves. */
export function canaryTable({ endedAt, failure, results }: CanariesShape, { now }: Visit) {
  if (endedAt === null)
    return empty("Nothing is proven yet: the first round has not ended, or canaries are off.");
  if (failure !== null)
    return html`${notice("bad", html`<p>None could be asked: ${failure}.</p>`)}<p>So nothing is proven. Last round ${since(endedAt, now)}.</p>`;
  const kinds = Object.keys(PROVES);
  const names = [...new Set(results.map(({ repository }) => repository))];
  return html`<p>Made-up packages that each repository must serve, block, hold, refuse, or ask nobody for. Last round ${since(endedAt, now)}.</p>${table(
    "What canaries proved",
    [{ label: "Repository" }, ...kinds.map((kind) => ({ label: PROVES[kind]! }))],
    names.map((name) => [
      html`<a href="${repositoryPath(name)}">${name}</a>`,
      ...kinds.map((kind) => {
        const found = results.find((one) => one.repository === name && one.canary === kind);
        const [tone, word] = TONES[found?.state ?? ""] ?? ["plain", "not asked"];
        return html`${chip(tone, word)}${found?.why ? html` <span class="soft">${found.why}</span>` : null}`;
      }),
    ]),
    { isList: false },
  )}`;
}
