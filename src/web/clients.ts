// The lines that clients need, one for each client, with all that there is to say folded below it.
import type { Snippet } from "../core/format.ts";
import { mainSetting } from "../core/snippet.ts";
import { type Html, html } from "./frame/html.ts";
import { copyable } from "./frame/ui.ts";

/** The clients of one repository; `url` is its address as the reader sees it. */
export function clientRows(snippets: readonly Snippet[], url: string): Html {
  const rows = [...Map.groupBy(snippets, ({ client }) => client)].map(([client, own]) =>
    clientRow(client, own, url),
  );
  return html`${rows}`;
}

function clientRow(client: string, snippets: readonly Snippet[], url: string): Html {
  const { file, line } = mainSetting(snippets, url)!;
  const row = html`<span class="row"><span class="name">${client}</span><code>${line}</code><span class="where">${file}</span></span>`;
  const id = `${url}-${client}`.replace(/[^a-z0-9]+/gi, "-");
  const whole = snippets.map(
    ({ file, text }, at) =>
      html`<div class="where">${file}</div>${copyable(`${id}-${at}`, text.trimEnd(), `for ${client}`)}`,
  );
  return html`<details><summary>${row}</summary><div class="inner">${whole}</div></details>`;
}
