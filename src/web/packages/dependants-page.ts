// Who needs a package: on its pages the first of them, and all on a page of their own.
import type { Dependant, DependantPlace, Dependants, DependantsView } from "../../core/catalog.ts";
import type { Reply } from "../../core/reply.ts";
import { type Html, html, join } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import type { Reader } from "../frame/reader.ts";
import { number } from "../frame/text.ts";
import { empty, table } from "../frame/ui.ts";
import { dependantsPath, packagePath, versionPath } from "./paths.ts";

/** On a page of their own. */
export const DEPENDANTS = 100;

/** Of what the reader may see none was among those. */
const NOT_ALL = "Very many packages need it, and not all could be looked at.";

interface Needed extends Dependants {
  repository: string;
  package: string;
}

/** `view`: with the first of them. */
export function dependantsSection({
  repository,
  package: name,
  ...view
}: {
  repository: string;
  package: string;
  dependants: Dependants;
}): Html {
  const { items, next, isCut } = view.dependants;
  const path = dependantsPath(repository, name);
  if (items.length === 0)
    return html`<h2 id="needed-by">Needed by</h2>${isCut ? html`${empty(NOT_ALL)}<p><a href="${path}">Look at more</a></p>` : empty("No package that is stored here says that it needs it.")}`;
  const way = isCut ? "Look at more" : `All ${counted(view.dependants)}`;
  const all = next ? html`<p><a href="${path}">${way}</a></p>` : null;
  return html`<h2 id="needed-by">Needed by <span class="soft">${counted(view.dependants)}</span></h2>${list(items)}${all}`;
}

export function dependantsPage(view: DependantsView, isFirst: boolean, reader: Reader): Reply {
  const { repository, package: name, items } = view;
  const main = html`<p class="crumbs"><a href="/-/packages">Packages</a> / <a href="/${repository}/">${repository}</a> / <a href="${packagePath(repository, name)}">${name}</a></p>
<h1>Who needs ${name}</h1>
<p class="soft">${sentence(view)} Of each the newest release that is stored was read; versions that are asked for are as their authors wrote them. <a href="/-/api/v1/catalog/${repository}/${encodeURIComponent(name)}/dependants">JSON</a></p>
${items.length === 0 ? empty(view.isCut ? NOT_ALL : "There are no more.") : list(items)}
${ways(view, isFirst)}`;
  return page({ title: `Who needs ${name}`, main, section: "packages" }, reader);
}

function sentence(view: Needed): string {
  if (view.isCut && view.total === 0) return "";
  const many = counted(view);
  return `${many[0]!.toUpperCase()}${many.slice(1)} ${view.total === 1 ? "package" : "packages"} of those that are stored here and that you may read.`;
}

function counted({ total, isMore, isCut }: Dependants): string {
  if (isCut) return `at least ${number(total)}`;
  return isMore ? `more than ${number(total)}` : number(total);
}

function list(items: readonly Dependant[]): Html {
  const rows = items.map(({ repository, package: name, version, needs }) => [
    html`<a href="${packagePath(repository, name)}">${name}</a>`,
    html`<a href="${versionPath(repository, name, version)}">${version}</a>`,
    repository,
    join(
      needs.map(
        ({ range }) =>
          html`<span class="digest">${range ? html`<code>${range}</code>` : html`<span class="soft">any</span>`}</span>`,
      ),
    ),
    join(needs.map(({ kind }) => html`<span class="digest">${kind || "needed"}</span>`)),
  ]);
  const columns = [
    { label: "Package" },
    { label: "Version" },
    { label: "Repository" },
    { label: "Asks for" },
    { label: "Kind" },
  ];
  return table("Packages that need it", columns, rows, { isList: false });
}

function ways(view: DependantsView, isFirst: boolean): Html | null {
  const { repository, package: name, items, next, isCut } = view;
  if (isFirst && next === null) return null;
  const path = dependantsPath(repository, name);
  const first = isFirst ? null : html`<a class="button quiet" href="${path}">First</a>`;
  const isLast = items.length > 0 || !isCut;
  const after = next
    ? html`<a class="button quiet" rel="next" href="${path}?after=${encodeURIComponent(next.join("/"))}">More</a>`
    : isLast && html`<span>These are the last</span>`;
  return html`<nav class="pages" aria-label="Pages">${first}${after}</nav>`;
}

/** Behind which a page begins, as its address says; null for the first one, and for what stands in no page's. Never throws. */
export function placeOf(query: URLSearchParams): DependantPlace | null {
  const [, repository, name] = /^([^/\0]+)\/([^\0]+)$/.exec(query.get("after") ?? "") ?? [];
  return repository !== undefined && name !== undefined ? [repository, name] : null;
}
