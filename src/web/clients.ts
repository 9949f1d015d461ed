// The lines that clients need, one for each client, with all that there is to say folded below it.
import type { Snippet } from "../core/format.ts";
import { escapeHtml } from "../core/html.ts";
import { mainSetting } from "../core/snippet.ts";

/** The clients of one repository; `url` is its address as the reader sees it. */
export function clientRows(snippets: readonly Snippet[], url: string): string {
  return [...Map.groupBy(snippets, ({ client }) => client)]
    .map(([client, own]) => clientRow(client, own, url))
    .join("\n");
}

function clientRow(client: string, snippets: readonly Snippet[], url: string) {
  const { file, line } = mainSetting(snippets, url)!;
  const row = `<span class="row"><span class="name">${escapeHtml(client)}</span><code>${escapeHtml(line)}</code><span class="where">${escapeHtml(file)}</span></span>`;
  const [first] = snippets;
  if (snippets.length === 1 && first!.text.trim() === line)
    return `<div class="client">${row}</div>`;
  const whole = snippets.map(
    ({ file, text }) =>
      `<div class="where">${escapeHtml(file)}</div><pre>${escapeHtml(text.trimEnd())}</pre>`,
  );
  return `<details><summary>${row}</summary><div class="inner">${whole.join("")}</div></details>`;
}
