// `/-/operator/withheld/decide`: one release or several, what is said of each, and what is to become of them.
import { Problem } from "../../core/problem.ts";
import { html, type Part } from "../frame/html.ts";
import { moment } from "../frame/text.ts";
import { empty, facts } from "../frame/ui.ts";
import { field, hidden } from "../people/forms.ts";
import { operatorPage, select } from "./pieces.ts";
import { address, formPage, pathOf, type Visit } from "./visit.ts";
import { DECIDE, verdictChip } from "./withheld.ts";

const HERE = "/-/operator/withheld";
/** More are not decided at once: nobody would have read them. */
const MOST = 50;

interface Release {
  key: string;
  repository: string;
  purl: string;
  package: string;
  version: string;
}

interface Said {
  withheld: {
    verdict: "hold" | "block";
    rule: string;
    until: string | null;
    message: string;
  } | null;
  publishedAt: string | null;
  licence: string | null;
}

export const serveDecide = formPage(show, async (visit, form) => {
  const releases = releasesOf(form.getAll("release"));
  const reason = (form.get("reason") ?? "").trim();
  const what = form.get("do");
  if (reason === "") throw new Problem("badRequest", "Say why: it stands in the audit log");
  if (what !== "release" && what !== "waive" && what !== "block")
    throw new Problem("badRequest", "What is to become of it is one of what is offered");
  const until = what === "release" ? null : (form.get("until") ?? "").trim();
  if (what === "waive" && !until)
    throw new Problem("badRequest", "Say until when it is to be waived, or release it");
  for (const { repository, purl } of releases)
    await visit.send("POST", what === "block" ? "/blocks" : "/waivers", {
      purl,
      repository,
      reason,
      ...(until && { until }),
    });
  return `${HERE}?done=${what}`;
});

async function show(visit: Visit, wrong: Problem | null) {
  const isSent = visit.request.method === "POST";
  const form = isSent ? await visit.form() : visit.query;
  const typedKeys = form.get("purl") ? [`${form.get("repository")} ${form.get("purl")}`] : [];
  const keys = [...form.getAll("release"), ...typedKeys];
  const releases = isSent ? safely(keys) : releasesOf(keys);
  const typed = (name: string) => (isSent ? (form.get(name) ?? "") : "");
  const said = await Promise.all(releases.map((one) => sayingOf(one, visit)));
  const [first] = releases;
  const title =
    releases.length === 1 ? `${first!.package} ${first!.version}` : `${releases.length} releases`;
  return operatorPage(
    {
      title,
      here: HERE,
      wrong,
      main: html`${said}${first ? forms(releases, typed) : empty("Tick releases in the list first.")}`,
    },
    visit,
  );
}

async function sayingOf(release: Release, visit: Visit): Promise<Part> {
  const { repository, package: name, version, purl } = release;
  const said = await visit.get<Said>(
    pathOf`/repositories/${repository}/packages/${name}/releases/${version}/policy`,
  );
  const { withheld, publishedAt, licence } = said;
  return html`<h2>${name} ${version} ${withheld ? verdictChip(withheld.verdict) : null}</h2>${facts(
    [
      ["Why", withheld ? `${withheld.message}.` : "No rule keeps it from anybody."],
      ["Rule", withheld?.rule],
      ["Ends", withheld && (withheld.until ? moment(Date.parse(withheld.until)) : "not by itself")],
      ["Repository", repository],
      ["Published", publishedAt && moment(Date.parse(publishedAt))],
      ["Licence", licence],
      [
        "Look further",
        html`<a href="${address("/-/operator/fetches", { package: name, version })}">Who fetched it</a> · <a href="${address("/-/operator/events", { package: name })}">Its events</a> · <a href="/-/why/${purl}">What clients are told</a>`,
      ],
    ],
  )}`;
}

function forms(releases: readonly Release[], typed: (name: string) => string): Part {
  const which = releases.map(({ key }) => hidden("release", key));
  const what = releases.length === 1 ? "it" : `all ${releases.length}`;
  const did = typed("do");
  const reason = (of: string) =>
    field("reason", "Reason", {
      hint: "It stands in the audit log",
      value: did === of ? typed("reason") : "",
    });
  const form = (of: string, title: string, about: string, fields: Part, button: string) =>
    html`<section><h2>${title}</h2><p class="soft">${about}</p><form class="narrow" method="post" action="${DECIDE}">${which}${hidden("do", of)}${fields}<button>${button}</button></form></section>`;
  const ends = (choices: readonly [string, string][], chosen: string) =>
    select(
      "until",
      "Until",
      choices.map(([value, text]) => ({ value, text })),
      chosen,
    );
  return html`<div class="decisions">${form(
    "release",
    "Release",
    "Let through for good, whatever the rules say of it. Can be taken back.",
    reason("release"),
    `Release ${what}`,
  )}${form(
    "waive",
    "Waive until",
    "Let through for a while; then the rules hold again.",
    html`${reason("waive")}${ends(
      [
        ["1d", "For a day"],
        ["7d", "For a week"],
        ["30d", "For 30 days"],
        ["fixed", "Until a later release may be had"],
      ],
      did === "waive" ? typed("until") : "7d",
    )}`,
    `Waive ${what}`,
  )}${form(
    "block",
    "Block",
    "Nobody is sent it, whatever rules and waivers say. Can be taken back.",
    html`${reason("block")}${ends(
      [
        ["", "Until it is taken back"],
        ["7d", "For a week"],
        ["30d", "For 30 days"],
      ],
      did === "block" ? typed("until") : "",
    )}`,
    `Block ${what}`,
  )}</div>`;
}

/** Throws Problem("badRequest") for what no page of ours sends. */
function releasesOf(keys: readonly string[]): Release[] {
  const unique = [...new Set(keys)];
  if (unique.length > MOST)
    throw new Problem("badRequest", `${MOST} releases are decided on at once, and no more`);
  return unique.map((key) => {
    const [repository = "", purl = ""] = key.split(" ");
    const [, rest = ""] = /^pkg:[a-z][a-z0-9]*\/(.+)$/.exec(purl) ?? [];
    const at = rest.lastIndexOf("@");
    if (!repository || at < 1) throw wrongKey(key);
    try {
      const name = rest.slice(0, at).split("/").map(decodeURIComponent).join("/");
      return {
        key,
        repository,
        purl,
        package: name,
        version: decodeURIComponent(rest.slice(at + 1)),
      };
    } catch {
      throw wrongKey(key);
    }
  });
}

function safely(keys: readonly string[]): Release[] {
  try {
    return releasesOf(keys);
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

function wrongKey(key: string): Problem {
  return new Problem("badRequest", `${key} is no release: a repository and a purl with a version`);
}
