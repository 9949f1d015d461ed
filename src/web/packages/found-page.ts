// `/-/packages`: what is here, by name.
import type { FoundPackages } from "../../core/catalog.ts";
import type { Reply } from "../../core/reply.ts";
import { humanSize } from "../../core/size.ts";
import { type Html, html } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import type { Reader } from "../frame/reader.ts";
import { ago, number } from "../frame/text.ts";
import { chip, empty, pages, table } from "../frame/ui.ts";
import { PACKAGES, packagePath } from "./paths.ts";

export interface Found extends FoundPackages {
  text: string;
  page: number;
  now: number;
}

export function foundPage(
  { text, page: current, items, hasMore, now }: Found,
  reader: Reader,
): Reply {
  const isSearch = text.trim() !== "";
  const heading = isSearch ? html`Packages like “${text}”` : "Packages";
  const main = html`<h1>${heading}</h1>
<p class="soft">${isSearch ? "Of all that is stored, published or named by a document here. Nobody else was asked." : "What came last. The box above finds all that is stored, published or named by a document here."}</p>
${items.length === 0 ? nothing(isSearch, current) : list(items, now)}
${pages(`${PACKAGES}?q=${encodeURIComponent(text)}`, current, hasMore)}`;
  const title = isSearch ? `${text} · Packages` : "Packages";
  return page({ title, main, section: "packages", search: text }, reader);
}

function nothing(isSearch: boolean, current: number): Html {
  if (current > 1) return empty("There are no more.");
  return isSearch
    ? empty(
        html`Nothing that you may read here has such a name. A package is known here once a client has asked for it: point one at this server (<a href="/">how</a>), and it stands here.`,
      )
    : empty(
        html`Nothing is stored yet. <a href="/">Set up a client</a>: what it fetches through this server, or publishes, stands here.`,
      );
}

function list(items: FoundPackages["items"], now: number): Html {
  const rows = items.map(
    ({ repository, format, package: name, files, bytes, newestAt, isHosted }) => [
      html`<a href="${packagePath(repository, name)}">${name}</a>`,
      html`${repository}${repository === format ? null : html` <span class="soft">${format}</span>`}`,
      html`${isHosted ? html`${chip("good", "published here")} ` : null}${isHosted ? null : files > 0 ? chip("good", "stored") : chip("plain", "known")}`,
      files > 0 ? number(files) : "–",
      files > 0 ? humanSize(bytes) : "–",
      newestAt === null ? html`<span class="soft">–</span>` : ago(newestAt, now),
    ],
  );
  return table(
    "Packages",
    [
      { label: "Package" },
      { label: "Repository" },
      { label: "State" },
      { label: "Files", kind: "number" },
      { label: "Size", kind: "number" },
      { label: "Newest came", kind: "number" },
    ],
    rows,
  );
}
