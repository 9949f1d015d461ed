// The page about one package: what it is, which versions there are, and what became of each here.
import type { PackageView } from "../../core/catalog.ts";
import type { Snippet } from "../../core/format.ts";
import type { Reply } from "../../core/reply.ts";
import { humanSize } from "../../core/size.ts";
import { type Html, html, raw } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import type { Reader } from "../frame/reader.ts";
import { day, number } from "../frame/text.ts";
import { chip, empty, facts, notice, pages, table } from "../frame/ui.ts";
import { dependantsSection } from "./dependants-page.ts";
import { installLines } from "./install.ts";
import { packagePath, versionPath } from "./paths.ts";
import { advisoriesChip, decisionChip, marks, provenanceChip, storedChip } from "./words.ts";

/** Versions on one page. */
export const SHOWN = 50;

/** Some packages have hundreds. */
const MOST_LABELS = 12;

/** `view`: with the versions of this page. */
export function packagePage(
  view: PackageView,
  install: readonly Snippet[],
  current: number,
  reader: Reader,
): Reply {
  const { repository, package: name, totals, about, isHosted } = view;
  const inside = about?.inside;
  const main = html`<p class="crumbs"><a href="/-/packages">Packages</a> / <a href="/${repository}/">${repository}</a></p>
<div class="head"><h1>${name}</h1>${isHosted ? chip("good", "published here") : null}${standing(view)}</div>
${inside?.description ? html`<p class="lead">${inside.description}</p>` : null}
${newestNotice(view)}
<div class="columns"><div>
<h2>Versions</h2>${versionTable(view)}
${pages(packagePath(repository, name), current, totals.versions > current * SHOWN)}
${dependantsSection(view)}
${readmeOf(about)}
</div><aside>
${view.shown ? installLines(install) : null}
${labelFacts(view)}
<h2>About</h2>${aboutFacts(view)}
</aside></div>`;
  return page({ title: name, main, section: "packages" }, reader);
}

/** Whether it can be had with the cable cut, in a word. */
function standing({ totals, isHosted }: PackageView): Html | null {
  if (isHosted) return null;
  return totals.stored > 0
    ? chip("good", `${number(totals.stored)} of ${number(totals.versions)} stored`)
    : chip("plain", "known, not stored");
}

/** Why the newest that clients are shown is not the newest that there is. */
function newestNotice({ repository, package: name, newest, shown }: PackageView): Html | null {
  if (!newest || newest.version === shown?.version) return null;
  const why = newest.withheld ? `: ${newest.withheld.message}` : "";
  const link = html`<a href="${versionPath(repository, name, newest.version)}">${newest.version}</a>`;
  return notice(
    newest.withheld?.verdict === "block" ? "bad" : "warn",
    html`<p>The newest version is ${link}, and ${shown ? html`clients are shown <strong>${shown.version}</strong>` : "clients are shown none"}${why}.</p>`,
  );
}

function versionTable(view: PackageView): Html {
  const { repository, package: name, versions, hasFeeds } = view;
  if (versions.length === 0) return empty("There are no more.");
  const date = (at: number | null) => (at === null ? html`<span class="soft">–</span>` : day(at));
  const labelled = Map.groupBy(Object.entries(view.labels), ([, version]) => version);
  const labels = (version: string) => {
    const given = labelled.get(version)?.map(([label]) => label) ?? [];
    // Without the author's word it is the newest that clients are shown.
    if (labelled.size === 0 && version === view.shown?.version) given.push("latest");
    return given.slice(0, MOST_LABELS).map((label) => html` ${chip("plain", label)}`);
  };
  const rows = versions.map((row) => [
    html`<a href="${versionPath(repository, name, row.version)}">${row.version}</a>${labels(row.version)}${marks(row)}`,
    decisionChip(row),
    storedChip(row),
    row.bytes > 0 ? humanSize(row.bytes) : html`<span class="soft">–</span>`,
    date(row.publishedAt),
    date(row.firstSeenAt),
    provenanceChip(row.provenance),
    hasFeeds || row.advisories.length > 0
      ? advisoriesChip(row.advisories)
      : html`<span class="soft">no feed</span>`,
  ]);
  return table(
    "Versions",
    [
      { label: "Version" },
      { label: "Decision" },
      { label: "Here" },
      { label: "Size", kind: "number" },
      { label: "Published", kind: "tight" },
      { label: "First here", kind: "tight" },
      { label: "Provenance" },
      { label: "Advisories" },
    ],
    rows,
  );
}

function readmeOf(about: PackageView["about"]): Html {
  if (!about?.inside.readme)
    return html`<h2>Readme</h2>${empty(about ? `There is none in ${about.version}.` : "It is shown once a version is stored.")}`;
  // Made safe where it was rendered (inside/readme.ts).
  return html`<h2 id="readme">Readme <span class="soft">of ${about.version}</span></h2><div class="readme" role="region" aria-label="Readme" tabindex="0">${raw(about.inside.readme)}</div>`;
}

/** What the author calls versions, those that most look for first. */
function labelFacts({ repository, package: name, labels }: PackageView): Html | null {
  const all = Object.entries(labels);
  if (all.length === 0) return null;
  const first = (label: string) => (label === "latest" ? 0 : 1);
  const shown = all
    .sort(([a], [b]) => first(a) - first(b) || (a < b ? -1 : 1))
    .slice(0, MOST_LABELS);
  const more = all.length > shown.length ? ` ${number(all.length - shown.length)} more` : "";
  return html`<h2>Tags</h2><p class="soft">As its author moves them.${more && html`${more} are in the JSON below.`}</p>${facts(
    shown.map(([label, version]) => [
      label,
      html`<a href="${versionPath(repository, name, version)}">${version}</a>`,
    ]),
  )}`;
}

function storedOf(files: number, bytes: number): string {
  if (files === 0) return "nothing";
  return `${number(files)} ${files === 1 ? "file" : "files"}, ${humanSize(bytes)}`;
}

function aboutFacts(view: PackageView): Html {
  const { repository, format, totals, about, isPublic } = view;
  const { licence, homepage } = about?.inside ?? {};
  return facts([
    [
      "Repository",
      html`<a href="/${repository}/">${repository}</a>${format === repository ? null : ` (${format})`}`,
    ],
    ["Versions", number(totals.versions)],
    ["Stored", storedOf(totals.files, totals.bytes)],
    ["Licence", licence],
    [
      "Home page",
      homepage
        ? html`<a href="${homepage}" rel="nofollow noopener noreferrer">${homepage}</a>`
        : null,
    ],
    [
      "Who may read it",
      isPublic ? "everybody who reaches this server" : "those to whom reading it was granted",
    ],
    [
      "For machines",
      html`<a href="/-/api/v1/catalog/${repository}/${encodeURIComponent(view.package)}">JSON</a>`,
    ],
  ]);
}
