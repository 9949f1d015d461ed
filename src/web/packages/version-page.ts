// The page about one version: its files, why it is decided as it is, who made it, what is wrong with it, and what is otherwise than before.
import type { Changed, FileRow, VersionView } from "../../core/catalog.ts";
import type { Snippet } from "../../core/format.ts";
import { parseIntegrity } from "../../core/integrity.ts";
import type { Reply } from "../../core/reply.ts";
import { humanSize } from "../../core/size.ts";
import { type Html, html, join } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import type { Reader } from "../frame/reader.ts";
import { moment, number } from "../frame/text.ts";
import { chip, empty, facts, notice, table } from "../frame/ui.ts";
import { dependantsSection } from "./dependants-page.ts";
import { installLines } from "./install.ts";
import { packagePath, versionPath } from "./paths.ts";
import { decisionChip, marks, provenanceChip, storedChip } from "./words.ts";

export function versionPage(view: VersionView, install: readonly Snippet[], reader: Reader): Reply {
  const { repository, package: name, version, inside } = view;
  const main = html`<p class="crumbs"><a href="/-/packages">Packages</a> / <a href="/${repository}/">${repository}</a> / <a href="${packagePath(repository, name)}">${name}</a></p>
<div class="head"><h1>${name} <span class="soft">${version}</span></h1>${decisionChip(view)}${storedChip(view)}${marks(view)}</div>
${inside?.description ? html`<p class="lead">${inside.description}</p>` : null}
${decision(view)}${tampered(view)}
<div class="columns"><div>
<h2>Files</h2>${fileTable(view)}
${advisories(view)}
${provenance(view)}
${differenceOf(view)}
${dependencies(view)}
${dependantsSection(view)}
</div><aside>
${view.withheld ? null : installLines(install)}
<h2>About</h2>${aboutFacts(view)}
</aside></div>`;
  return page({ title: `${name} ${version}`, main, section: "packages" }, reader);
}

function decision({ withheld, purl }: VersionView): Html | null {
  const why = html`<a href="/-/why/${purl}">Which rules were asked, and who can let it through</a>`;
  if (!withheld) return null;
  return notice(
    withheld.verdict === "block" ? "bad" : "warn",
    html`<p>${withheld.message}.</p><p>${why}</p>`,
  );
}

function tampered({ isTampered }: VersionView): Html | null {
  if (!isTampered) return null;
  return notice(
    "bad",
    "The upstream shows other bytes for a file of this version than it did first. Clients are sent the first ones.",
  );
}

function fileTable({ repository, filesOf }: VersionView): Html {
  if (filesOf.length === 0) return empty("No file of it is known.");
  const rows = filesOf.map((one) => [
    one.isStored && one.path !== null
      ? html`<a class="mono" href="/${repository}/${one.path}">${one.file}</a>`
      : html`<span class="mono">${one.file}</span>`,
    one.size === null ? html`<span class="soft">–</span>` : humanSize(one.size),
    html`${one.isStored ? chip("good", "stored") : chip("plain", "known")}${one.isGone ? html` ${chip("warn", "gone upstream")}` : null}${one.isTampered ? html` ${chip("bad", "tampered upstream")}` : null}`,
    digests(one),
  ]);
  return table(
    "Files",
    [{ label: "File" }, { label: "Size", kind: "number" }, { label: "Here" }, { label: "Digests" }],
    rows,
  );
}

/** Those that documents told, and that of the bytes that came. */
function digests({ told, sha256 }: FileRow): Html {
  const lines = [...parseIntegrity(told ?? "")].map(
    ([algorithm, digest]) =>
      html`<span class="digest"><span class="soft">told ${algorithm}</span> <code>${digest}</code></span>`,
  );
  const stored =
    sha256 === null
      ? null
      : html`<span class="digest"><span class="soft">bytes sha256</span> <code>${sha256}</code></span>`;
  if (lines.length === 0 && stored === null) return html`<span class="soft">none is told</span>`;
  return join([...lines, stored]);
}

function advisories({ advisories }: VersionView): Html {
  if (advisories.length === 0) return html`<h2>Advisories</h2>${empty("None is known here.")}`;
  const rows = advisories.map(({ id, summary, severity, isMalicious, url }) => [
    html`<a href="${url}" rel="nofollow noopener noreferrer">${id}</a>`,
    isMalicious
      ? chip("bad", "malicious")
      : chip(isBad(severity) ? "bad" : "warn", severity ?? "unrated"),
    summary,
  ]);
  const columns = [{ label: "Advisory" }, { label: "Severity" }, { label: "What it says" }];
  return html`<h2>Advisories</h2>${table("Advisories", columns, rows)}`;
}

function isBad(severity: string | null): boolean {
  return severity === "critical" || severity === "high";
}

function provenance({ filesOf }: VersionView): Html {
  const known = filesOf.filter((one) => one.provenance !== null);
  if (known.length === 0)
    return html`<h2>Provenance</h2>${empty("Nobody has looked who made it: that happens when a file is stored.")}`;
  const sections = known.map(({ file, provenance }) => {
    const { state, builder, signature, why } = provenance!;
    return html`<h3 class="mono">${file}</h3>${provenanceChip(state)}${facts([
      ["Code", builder?.repository],
      ["Workflow", builder?.workflow],
      ["Commit", builder?.commit && html`<code>${builder.commit}</code>`],
      ["Ref", builder?.ref],
      ["Given to", builder?.subject && html`<code>${builder.subject}</code>`],
      ["By", builder?.issuer],
      [
        "Registry's signature",
        signature === "root"
          ? "by a key that the trust root vouches for"
          : signature && "by a key that the registry itself showed",
      ],
      ["Why", why],
    ])}`;
  });
  return html`<h2>Provenance</h2>${sections}`;
}

function differenceOf({ difference, whyNotInside }: VersionView): Html {
  if (!difference)
    return html`<h2>Since the version before</h2>${empty(whyNotInside ? `${whyNotInside}.` : "No version before it is stored here.")}`;
  const { before, added, removed, changed, more, sizeBefore, sizeAfter } = difference;
  const files = ([label, tone, paths]: [string, "good" | "bad" | "warn", string[]]) =>
    paths.map((path) => [html`<span class="mono">${path}</span>`, chip(tone, label)]);
  const rows = [
    ...files(["added", "good", added]),
    ...files(["removed", "bad", removed]),
    ...files(["changed", "warn", changed]),
  ];
  const sign = sizeAfter >= sizeBefore ? "+" : "−";
  return html`<h2>Since ${before}</h2>
<p>${number(added.length)} added, ${number(removed.length)} removed, ${number(changed.length)} changed${more > 0 ? `, and ${number(more)} more` : null}; unpacked ${humanSize(sizeAfter)} (${sign}${humanSize(Math.abs(sizeAfter - sizeBefore))}).</p>
${changes("Scripts", difference.scripts)}${changes("Dependencies", difference.dependencies)}
${rows.length === 0 ? null : html`<details><summary>Files</summary><div class="inner">${table("Changed files", [{ label: "File" }, { label: "Change" }], rows, { isList: false })}</div></details>`}`;
}

function changes(what: string, all: readonly Changed[]): Html | null {
  if (all.length === 0) return null;
  const none = html`<span class="soft">none</span>`;
  const rows = all.map(({ name, before, after }) => [
    html`<code>${name}</code>`,
    before === null ? none : html`<code>${before}</code>`,
    after === null ? none : html`<code>${after}</code>`,
  ]);
  const columns = [{ label: what }, { label: "Before" }, { label: "Now" }];
  return html`<h3>${what}</h3>${table(`${what} that changed`, columns, rows, { isList: false })}`;
}

function dependencies({ inside }: VersionView): Html | null {
  if (!inside) return null;
  const rows = inside.dependencies.map(({ name, range, kind }) => [
    html`<code>${name}</code>`,
    range ? html`<code>${range}</code>` : html`<span class="soft">any</span>`,
    kind || "needed",
  ]);
  const scripts = Object.entries(inside.scripts).map(([name, text]) => [
    html`<code>${name}</code>`,
    html`<code>${text}</code>`,
  ]);
  const columns = [{ label: "Package" }, { label: "Versions" }, { label: "Kind" }];
  return html`<h2>Needs</h2>${rows.length === 0 ? empty("Nothing.") : table("Dependencies", columns, rows, { isList: false })}
${scripts.length === 0 ? null : html`<h2>Commands</h2>${table("Commands", [{ label: "Name" }, { label: "What it runs" }], scripts, { isList: false })}`}`;
}

function aboutFacts(view: VersionView): Html {
  const { repository, package: name, version, inside, older, newer } = view;
  const [upstream] = view.filesOf.flatMap((one) => one.upstream ?? []);
  const to = (other: string) =>
    html`<a href="${versionPath(repository, name, other)}">${other}</a>`;
  return facts([
    ["Identity", html`<code>${view.purl}</code>`],
    ["Published", view.publishedAt === null ? "not told" : moment(view.publishedAt)],
    ["By", view.publishedBy],
    [
      "First seen here",
      view.firstSeenAt === null ? "before anybody looked" : moment(view.firstSeenAt),
    ],
    ["Came from", upstream],
    ["Yanked", view.yanked === null ? null : view.yanked || "nobody said why"],
    ["Licence", inside?.licence],
    ["Files inside", inside && `${number(inside.count)}, ${humanSize(inside.size)} unpacked`],
    ["Newer", newer && to(newer)],
    ["Older", older && to(older)],
    [
      "Who may read it",
      view.isPublic ? "everybody who reaches this server" : "those to whom reading it was granted",
    ],
    ["Policy", html`<a href="/-/why/${view.purl}">what it says</a>`],
    [
      "For machines",
      html`<a href="/-/api/v1/catalog/${repository}/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}">JSON</a>`,
    ],
  ]);
}
