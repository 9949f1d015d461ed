// A repository's own page, for people who open its address: what it holds, and the line that each client needs.
import type { Format } from "../core/format.ts";
import { escapeHtml } from "../core/html.ts";
import type { Overview } from "../core/overview.ts";
import type { Reply } from "../core/reply.ts";
import { clientRows } from "./clients.ts";
import { eventsTable, figures, newestTable, stateOf } from "./home.ts";
import { page } from "./page.ts";

/** `overview` is of this repository. `url`: its address as the reader sees it, without a trailing slash. */
export function repositoryPage(
  { name, format, options }: { name: string; format: Format; options: unknown },
  overview: Overview,
  url: string,
): Reply {
  const state = overview.repositories.get(name)!;
  return page(
    `${name} · Holdfast`,
    [
      `<header><h1>${escapeHtml(name)}</h1>${stateOf([state])}<p class="soft">A repository of the format ${escapeHtml(format.name)} at <code>${escapeHtml(url)}/</code></p></header>`,
      figures([state]),
      eventsTable(overview),
      "<h2>Set up a client</h2>",
      clientRows(format.setup(url, options), url),
      `<h2>Newest files</h2>${newestTable(overview)}`,
    ].join("\n"),
  );
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
