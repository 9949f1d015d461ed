// `/-/operator/settings` and `/-/operator/repositories/{repository}`: the settings that count, each with the line of the configuration file that says it.
import { humanSize } from "../../core/size.ts";
import { html, join, type Part, raw } from "../frame/html.ts";
import { number } from "../frame/text.ts";
import { facts, table } from "../frame/ui.ts";
import { operatorPage } from "./pieces.ts";
import { REPOSITORIES, repositoryTabs, SETTINGS, stateOf } from "./repositories.ts";
import type { RepositoryShape } from "./shapes.ts";
import { address, pathOf, type Serve } from "./visit.ts";

export interface SettingsShape {
  file: string | null;
  items: { path: string; value: string; line: number | null; from: string | null }[];
}

export const serveSettings: Serve = async (visit) => {
  const found = await visit.get<SettingsShape>("/settings", { repository: "-" });
  return operatorPage(
    {
      title: "Settings of the server",
      here: REPOSITORIES,
      lead: whence(found),
      main: html`${repositoryTabs(SETTINGS)}${settingTable(found, "")}`,
    },
    visit,
  );
};

export const serveRepository: Serve = async (visit) => {
  const repository = await visit.get<RepositoryShape>(
    `/repositories${pathOf`/${visit.params["repository"]!}`}`,
  );
  const { name, format, files, bytes, requests } = repository;
  const found = await visit.get<SettingsShape>("/settings", { repository: name });
  return operatorPage(
    {
      title: name,
      here: REPOSITORIES,
      main: html`${facts([
        ["Format", format],
        ["State", stateOf(repository)],
        ["Stored", `${number(files)} files, ${humanSize(bytes)}`],
        ["Requests", `${number(requests)} since the start`],
        [
          "Look further",
          html`<a href="/${name}/">As clients see it</a> · <a href="${address("/-/operator/withheld", { repository: name })}">Held and blocked</a> · <a href="${address("/-/operator/events", { repository: name })}">Events</a> · <a href="${address("/-/operator/fetches", { repository: name })}">Who fetched what</a>`,
        ],
      ])}
<h2>Settings</h2><p class="soft">${whence(found)}</p>${settingTable(found, `repositories.${name}.`)}`,
    },
    visit,
  );
};

function whence({ file }: SettingsShape): Part {
  return file === null
    ? "The server runs without a configuration file: everything is built in, a default, or said when it was started."
    : html`As the server took them in from <code>${file}</code>. They are changed there; <code>holdfast config check</code> tells what would be wrong.`;
}

/** `prefix`: what all paths begin with, and is not shown. */
function settingTable({ items }: SettingsShape, prefix: string): Part {
  return table(
    "Settings",
    [{ label: "Setting" }, { label: "Value" }, { label: "Where it stands" }],
    items.map(({ path, value, line, from }) => [
      html`<code>${broken(path.startsWith(prefix) ? path.slice(prefix.length) : path)}</code>`,
      value,
      line === null ? html`<span class="soft">${from ?? "nowhere"}</span>` : `line ${line}`,
    ]),
    { isList: false },
  );
}

/** Where a narrow screen may break it. */
function broken(path: string): Part {
  return join(path.split(/(?=[.[])/), raw("<wbr>"));
}
