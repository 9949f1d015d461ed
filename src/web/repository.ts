// A repository's own page, for people who open its address: what it holds, and the line that each client needs.
import type { Format } from "../core/format.ts";
import type { Overview } from "../core/overview.ts";
import type { Reply } from "../core/reply.ts";
import { clientRows } from "./clients.ts";
import { html } from "./frame/html.ts";
import { page } from "./frame/page.ts";
import type { Reader } from "./frame/reader.ts";
import { eventsTable, figures, newestTable, stateChip, stateOf } from "./home.ts";

/** `overview` is of this repository. `url`: its address as the reader sees it, without a trailing slash. */
export function repositoryPage(
  { name, format, options }: { name: string; format: Format; options: unknown },
  overview: Overview,
  url: string,
  reader: Reader,
  /** As of the page at `/`. */
  trouble: string | null = null,
): Reply {
  const state = overview.repositories.get(name)!;
  const seen = stateOf([state], trouble);
  const main = html`<p class="crumbs"><a href="/">Repositories</a></p><div class="head"><h1>${name}</h1>${stateChip(seen)}</div>
<p>${seen.text}.</p><p class="soft">A repository of the format ${format.name} at <code>${url}/</code></p>
${figures([state])}
${eventsTable(overview, reader)}
<h2>Set up a client</h2>
${clientRows(format.setup(url, options), url)}
<h2>Newest files</h2>${newestTable(overview)}`;
  return page({ title: name, main, section: "home" }, { ...reader, state: null });
}

/** Whether who asks would rather have a page than a format's own answer: browsers, and no client of any registry. */
export function wantsPage(method: string, accept: string | null): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return /(^|,)\s*text\/html\s*(,|$)/.test(accept ?? "") && !/json|vnd\./.test(accept ?? "");
}

/** Where code hosts tell a repository of a push: the same below every repository, whatever it speaks. */
export function isGitHook(method: string, path: string): boolean {
  return method === "POST" && path === "/-/hooks/git";
}
