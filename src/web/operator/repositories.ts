// `/-/operator/repositories`: what is configured, what it holds, and the work that its format has.
import { humanSize } from "../../core/size.ts";
import { html, type Part } from "../frame/html.ts";
import { number } from "../frame/text.ts";
import { chip, empty, table } from "../frame/ui.ts";
import { action, type Listed, operatorPage } from "./pieces.ts";
import type { RepositoryShape, RunShape } from "./shapes.ts";
import { formPage, pathOf } from "./visit.ts";

const HERE = "/-/operator/repositories";

export const serveRepositories = formPage(
  async (visit, wrong) => {
    const { items } = await visit.get<Listed<RepositoryShape>>("/repositories", { limit: "1000" });
    const working = items.filter(({ operations }) => operations.length > 0);
    return operatorPage(
      {
        title: "Repositories",
        here: HERE,
        wrong,
        lead: html`They are configured in the file that <code>holdfast config show</code> names: a change there is taken in by <code>holdfast reload</code>, or here.`,
        main: html`${list(items)}
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
      html`<a href="/${one.name}/">${one.name}</a>`,
      one.format,
      one.offline
        ? chip("warn", "offline")
        : one.away.length > 0
          ? html`${chip("bad", "away")} ${one.away.join(", ")}`
          : chip("good", "well"),
      one.claims.join(", ") || html`<span class="soft">none</span>`,
      number(one.files),
      humanSize(one.bytes),
      number(one.requests),
    ]),
  );
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
