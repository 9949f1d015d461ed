// The lines that install something, with the reader's own address.
import type { Snippet } from "../../core/format.ts";
import { type Html, html } from "../frame/html.ts";
import { copyable } from "../frame/ui.ts";

/** The first client's at hand, the others folded. Nothing for a format that has none. */
export function installLines(snippets: readonly Snippet[]): Html | null {
  const [first, ...others] = snippets;
  if (!first) return null;
  const line = ({ client, text }: Snippet, at: number) =>
    html`<h3>${client}</h3>${copyable(`install-${at}`, text, `for ${client}`)}`;
  const more = others.map((one, at) => line(one, at + 1));
  return html`<h2>Install</h2>${copyable("install", first.text, `for ${first.client}`)}${others.length > 0 ? html`<details><summary>Other clients</summary><div class="inner">${more}</div></details>` : null}`;
}
