// Why a release is held or blocked: the page that refusals lead to.
import { escapeHtml } from "../core/html.ts";
import type { Explained, ExplainedWaiver } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import type { Reply } from "../core/reply.ts";
import { link, page } from "./page.ts";

/** `found`: of the repositories that the reader may read. Throws Problem("notFound") where there is none. */
export function whyPage(found: readonly Explained[], origin: string): Reply {
  const [first] = found;
  if (!first)
    throw new Problem("notFound", "No repository that you may read here has packages like that");
  const home = link(`${new URL(origin).pathname.replace(/\/$/, "")}/`, "Holdfast");
  return page(
    `${first.purl} · Holdfast`,
    [
      `<p class="home">${home}</p><h1>${escapeHtml(first.purl)}</h1>`,
      ...found.map(section),
      `<p class="soft">An administrator of the repository can let it through: <code>holdfast waiver add '${escapeHtml(first.purl.replaceAll("'", "%27"))}' --reason WHY --until 7d</code></p>`,
    ].join("\n"),
  );
}

function section({ repository, withheld, publishedAt, waivers }: Explained): string {
  const published = publishedAt ? `<dt>Published</dt><dd>${minute(publishedAt)}</dd>` : "";
  const facts = withheld
    ? `<dt>Rule</dt><dd>${escapeHtml(withheld.rule)}</dd><dt>Ends</dt><dd>${
        withheld.until === null ? "not by itself" : minute(withheld.until)
      }</dd>`
    : "";
  const state = withheld
    ? `<p class="state ${withheld.verdict === "block" ? "bad" : "warn"}">${withheld.verdict === "block" ? "Blocked" : "Held"}</p><p>${escapeHtml(withheld.message)}.</p>`
    : `<p class="state good">Allowed</p><p>No rule keeps it from anybody.</p>`;
  return `<h2>${escapeHtml(repository)}</h2>${state}<dl class="facts">${facts}${published}</dl>${waivers.map(waiverLine).join("")}`;
}

function waiverLine({ versions, reason, owner, until, untilFixed }: ExplainedWaiver): string {
  const end =
    until === null ? (untilFixed ? "until it is fixed" : "for good") : `until ${minute(until)}`;
  return `<p>${escapeHtml(owner)} waived ${escapeHtml(versions)} ${end}: ${escapeHtml(reason)}</p>`;
}

function minute(at: number | string): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
