// `/-/operator/repositories`: what is configured, what each holds, and the work that its format has.
import { humanSize } from "../../core/size.ts";
import { html, type Part } from "../frame/html.ts";
import { number } from "../frame/text.ts";
import { chip, empty, table, tabs } from "../frame/ui.ts";
import { action, type Listed, operatorPage } from "./pieces.ts";
import type { RepositoryShape, RunShape } from "./shapes.ts";
import { formPage, pathOf } from "./visit.ts";

/** What is of none of them. */
export const SETTINGS = "/-/operator/settings";
export const REPOSITORIES = "/-/operator/repositories";
export const TRASH = "/-/operator/trash";
const HERE = REPOSITORIES;

export const serveRepositories = formPage(
  async (visit, wrong) => {
    const { items } = await visit.get<Listed<RepositoryShape>>("/repositories", { limit: "1000" });
    const working = items.filter(({ operations }) => operations.length > 0);
    return operatorPage(
      {
        title: "Repositories",
        here: HERE,
        wrong,
        lead: html`They are configured in a file, and each tells where its settings stand. A change there is taken in by <code>holdfast reload</code>, or here.`,
        main: html`${repositoryTabs(HERE)}${list(items)}
<div class="apart">${action(HERE, { do: "reload" }, "Take the configuration in")}</div>
<h2>Work of their formats</h2>${working.length > 0 ? work(working) : empty("No repository here has work of its own: mirrors of apt have some.")}`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const [repository, name] = [form.get("repository") ?? "", form.get("operation") ?? ""];
    const { id } =
      form.get("do") === "reload"
        ? await visit.send<RunShape>("POST", "/operations", { name: "reload" })
        : await visit.send<RunShape>("POST", `/repositories${pathOf`/${repository}`}/operations`, {
            name,
          });
    return `/-/operator/operations/${id}`;
  },
);

export function repositoryTabs(here: string): Part {
  return tabs("Repositories", [
    { path: REPOSITORIES, text: "Repositories", isHere: here === REPOSITORIES },
    { path: SETTINGS, text: "Settings of the server", isHere: here === SETTINGS },
    { path: TRASH, text: "Trash", isHere: here === TRASH },
  ]);
}

function list(repositories: readonly RepositoryShape[]): Part {
  return table(
    "Repositories",
    [
      { label: "Repository" },
      { label: "Format" },
      { label: "State" },
      { label: "Claims" },
      { label: "Files", kind: "number" },
      { label: "Size", kind: "number" },
      { label: "Requests", kind: "number" },
    ],
    repositories.map((one) => [
      html`<a href="${repositoryPath(one.name)}">${one.name}</a>`,
      one.format,
      stateOf(one),
      one.claims.join(", ") || html`<span class="soft">none</span>`,
      number(one.files),
      humanSize(one.bytes),
      number(one.requests),
    ]),
  );
}

export const repositoryPath = (name: string) => `${REPOSITORIES}${pathOf`/${name}`}`;

export function stateOf({ offline, away }: RepositoryShape): Part {
  if (offline) return chip("warn", "offline");
  return away.length > 0 ? html`${chip("bad", "away")} ${away.join(", ")}` : chip("good", "well");
}

function work(repositories: readonly RepositoryShape[]): Part {
  return table(
    "Work that can be begun",
    [
      { label: "Repository" },
      { label: "Work" },
      { label: "What it does" },
      { label: "Begin", isHidden: true },
    ],
    repositories.flatMap(({ name, operations }) =>
      operations.map((one) => [
        name,
        one.name,
        one.summary,
        action(HERE, { repository: name, operation: one.name }, "Begin", `${one.name} of ${name}`),
      ]),
    ),
    { isList: false },
  );
}
