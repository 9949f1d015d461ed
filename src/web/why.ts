// Why a release is held or blocked: the page that refusals lead to.
import type { Explained, ExplainedWaiver } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import type { Reply } from "../core/reply.ts";
import { type Html, html } from "./frame/html.ts";
import { page } from "./frame/page.ts";
import type { Reader } from "./frame/reader.ts";
import { moment } from "./frame/text.ts";
import { chip, facts } from "./frame/ui.ts";

/** `found`: of the repositories that the reader may read. Throws Problem("notFound") where there is none. */
export function whyPage(found: readonly Explained[], reader: Reader): Reply {
  const [first] = found;
  if (!first)
    throw new Problem("notFound", "No repository that you may read here has packages like that");
  const main = html`<p class="crumbs">What policy says of</p><h1>${first.purl}</h1>
${found.map(section)}
<h2>Let it through</h2><p>An administrator of the repository can: <code>holdfast waiver add '${first.purl.replaceAll("'", "%27")}' --reason WHY --until 7d</code></p>`;
  return page({ title: first.purl, main, section: "packages" }, reader);
}

function section({ repository, withheld, publishedAt, waivers }: Explained): Html {
  const isBlocked = withheld?.verdict === "block";
  const state = withheld
    ? html`${chip(isBlocked ? "bad" : "warn", isBlocked ? "Blocked" : "Held")}<p>${withheld.message}.</p>`
    : html`${chip("good", "Allowed")}<p>No rule keeps it from anybody.</p>`;
  const rows = facts([
    ["Rule", withheld?.rule],
    ["Ends", withheld && (withheld.until === null ? "not by itself" : minute(withheld.until))],
    ["Published", publishedAt && minute(publishedAt)],
  ]);
  return html`<h2>In ${repository}</h2>${state}${rows}${waivers.map(waiverLine)}`;
}

function waiverLine({ versions, reason, owner, until, untilFixed }: ExplainedWaiver): Html {
  const end =
    until === null ? (untilFixed ? "until it is fixed" : "for good") : `until ${minute(until)}`;
  return html`<p>${owner} waived ${versions} ${end}: ${reason}</p>`;
}

function minute(at: number | string): string {
  return moment(new Date(at).getTime());
}
