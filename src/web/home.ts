// The page at `/`: what this server is, and the lines that each client needs.

import type { Format } from "../core/format.ts";
import { escapeHtml } from "../core/html.ts";
import { type Reply, reply } from "../core/reply.ts";

const STYLE = `
  :root { color-scheme: light dark; --line: light-dark(#d8dee4, #30363d); --soft: light-dark(#57606a, #8b949e); --box: light-dark(#f6f8fa, #161b22) }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
  h1 { margin: 0; font-size: 1.9rem } h2 { margin: 2.2rem 0 .4rem; font-size: 1.2rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem }
  p { margin: .4rem 0 } .soft { color: var(--soft) } code, pre { font: 14px/1.5 ui-monospace, monospace }
  dl { display: grid; grid-template-columns: 9rem 1fr; gap: .6rem 1rem; margin: .8rem 0 } dt { font-weight: 600; padding-top: .5rem } dd { margin: 0; min-width: 0 }
  pre { margin: 0; padding: .55rem .75rem; background: var(--box); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere }
  .where { font-size: .85rem; color: var(--soft) } @media (max-width: 36rem) { dl { grid-template-columns: 1fr } dt { padding: 0 } }
`;

/** What the page shows. */
export interface HomeDeps {
  repositories: { name: string; format: Format; options: unknown }[];
  version: string;
}

export function homePage({ repositories, version }: HomeDeps, origin: string): Reply {
  const sections = repositories.map(({ name, format, options }) => {
    const snippets = format
      .setup(`${origin}/${name}`, options)
      .map(
        ({ client, file, text }) =>
          `<dt>${escapeHtml(client)}</dt><dd><div class="where">${escapeHtml(file)}</div><pre>${escapeHtml(text.trimEnd())}</pre></dd>`,
      );
    const kind =
      format.name === name ? "" : ` <span class="soft">${escapeHtml(format.name)}</span>`;
    return `<section><h2>${escapeHtml(name)}${kind}</h2><dl>${snippets.join("")}</dl></section>`;
  });
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast</title><style>${STYLE}</style></head><body>
<h1>Holdfast</h1><p class="soft">Version ${escapeHtml(version)}. Packages that were fetched through this server are verified, kept and served again, also when their registry is out of reach.</p>
<p>Set your client as shown and use it as always.</p>
${sections.join("\n")}
<h2>For machines</h2><p><a href="/-/metrics">metrics</a> · <a href="/-/health/live">live</a> · <a href="/-/health/ready">ready</a></p>
</body></html>\n`;
  return reply(200, "text/html; charset=utf-8", html, {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
  });
}
