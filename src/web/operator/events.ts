// `/-/operator/events`: what happened that an operator must know, who has seen it, and what an investigation needs.
import { eventKinds } from "../../core/event.ts";
import type { Problem } from "../../core/problem.ts";
import { html, type Part } from "../frame/html.ts";
import { moment } from "../frame/text.ts";
import { chip, empty, facts, notice, table } from "../frame/ui.ts";
import { field, hidden } from "../people/forms.ts";
import { ADVICE } from "./advice.ts";
import {
  action,
  choices,
  filters,
  input,
  LEVEL_TONE,
  type Listed,
  older,
  operatorPage,
  select,
  since,
} from "./pieces.ts";
import type { EventShape, RepositoryShape, RunShape } from "./shapes.ts";
import { address, formPage, pathOf, type Serve, type Visit } from "./visit.ts";
import { DECIDE } from "./withheld.ts";

const HERE = "/-/operator/events";
const SHOWN = "50";

export const serveEvents: Serve = async (visit) => {
  const asked = (name: string) => visit.query.get(name);
  const dayOf = (name: string, time: string) => {
    const day = asked(name);
    return day && /^\d{4}-\d{2}-\d{2}$/.test(day) ? `${day}T${time}Z` : null;
  };
  const [found, repositories] = await Promise.all([
    visit.get<Listed<EventShape>>("/events", {
      limit: SHOWN,
      level: asked("level"),
      kind: asked("kind"),
      repository: asked("repository"),
      package: asked("package"),
      acknowledged: asked("acknowledged"),
      since: dayOf("from", "00:00:00"),
      until: dayOf("to", "23:59:59"),
      cursor: asked("cursor"),
    }),
    visit.get<Listed<RepositoryShape>>("/repositories"),
  ]);
  return operatorPage(
    {
      title: "Events",
      here: HERE,
      lead: "Each is kept for ever. Acknowledging one says that somebody has seen it, and hides nothing.",
      main: html`${narrow(visit, repositories.items)}${list(found, visit)}${older(HERE, visit.query, found.next)}`,
    },
    visit,
  );
};

function narrow({ query }: Visit, repositories: readonly RepositoryShape[]) {
  return filters(HERE, [
    select(
      "level",
      "How loud",
      [
        { value: "", text: "All" },
        { value: "error", text: "Serious" },
        { value: "warn", text: "Warnings" },
        { value: "info", text: "For information" },
      ],
      query.get("level"),
    ),
    select("kind", "Kind", choices(eventKinds, "All kinds"), query.get("kind")),
    select(
      "repository",
      "Repository",
      choices(
        repositories.map(({ name }) => name),
        "All",
      ),
      query.get("repository"),
    ),
    select(
      "acknowledged",
      "Acknowledged",
      [
        { value: "", text: "Either" },
        { value: "no", text: "Not yet" },
        { value: "yes", text: "By somebody" },
      ],
      query.get("acknowledged"),
    ),
    input("package", "Package", query.get("package")),
    input("from", "From", query.get("from"), "date"),
    input("to", "To", query.get("to"), "date"),
  ]);
}

function list({ items }: Listed<EventShape>, { now }: Visit): Part {
  if (items.length === 0) return empty("Nothing of that happened.");
  return table(
    "Events, the newest first",
    [
      { label: "Kind" },
      { label: "When", kind: "tight" },
      { label: "Repository" },
      { label: "What" },
      { label: "Acknowledged" },
    ],
    items.map(({ id, at, kind, level, repository, message, acknowledged }) => [
      html`<a href="${HERE}/${id}">${kind}</a> ${level === "info" ? null : chip(LEVEL_TONE[level]!, level === "error" ? "serious" : "warning")}`,
      since(at, now),
      repository,
      message,
      acknowledged
        ? html`${acknowledged.by} <span class="soft">${since(acknowledged.at, now)}</span>`
        : html`<span class="soft">not yet</span>`,
    ]),
  );
}

export const serveEvent = formPage(showEvent, async (visit, form) => {
  const id = visit.params["event"]!;
  const path = `/events${pathOf`/${id}`}`;
  switch (form.get("do")) {
    case "reopen":
      await visit.send("DELETE", `${path}/acknowledgement`);
      break;
    case "unpin": {
      const { repository, package: name, file } = await visit.get<EventShape>(path);
      const values = {
        repository,
        package: name,
        file: file ?? "",
        reason: form.get("reason") ?? "",
      };
      const run = await visit.send<RunShape>("POST", "/operations", { name: "unpin", values });
      return `/-/operator/operations/${run.id}`;
    }
    default:
      await visit.send("PUT", `${path}/acknowledgement`, { note: form.get("note") ?? "" });
  }
  return `${HERE}/${id}`;
});

async function showEvent(visit: Visit, wrong: Problem | null) {
  const event = await visit.get<EventShape>(`/events${pathOf`/${visit.params["event"]!}`}`);
  const { id, kind, level, message, repository, version, file, detail } = event;
  const name = event.package;
  const advice = ADVICE[kind as keyof typeof ADVICE];
  return operatorPage(
    {
      title: `${kind}${name ? ` · ${name}` : ""}`,
      here: HERE,
      wrong,
      beside: chip(
        LEVEL_TONE[level]!,
        level === "error" ? "serious" : level === "warn" ? "warning" : "for information",
      ),
      main: html`${notice(LEVEL_TONE[level]!, html`<p>${message}.</p>`)}
${advice ? html`<p>${advice.means} ${advice.todo}</p>` : null}
${facts([
  ["When", moment(Date.parse(event.at))],
  ["Repository", repository === "-" ? "the server as a whole" : repository],
  ["Package", name],
  ["Version", version],
  ["File", file],
  ["Look further", ways(event)],
])}
<h2>Evidence</h2>${evidence(detail)}
<h2>Acknowledgement</h2>${acknowledgement(event, visit)}
${kind === "tampered" && file && isOfBytes(detail) ? unpin(id) : null}`,
    },
    visit,
  );
}

function ways({ package: name, version, purl, repository, kind }: EventShape): Part {
  const found: [path: string, text: string][] = [];
  if (purl)
    found.push([address(DECIDE, { release: `${repository} ${purl}` }), "Block or release it"]);
  if (name) {
    found.push([address("/-/operator/fetches", { package: name, version }), "Who fetched it"]);
    found.push([address(HERE, { package: name }), "All events of the package"]);
    found.push([address("/-/operator/withheld", { package: name }), "What is withheld of it"]);
  }
  if (kind.startsWith("canary")) found.push(["/-/operator/canaries", "Canaries"]);
  if (kind.startsWith("upstream")) found.push(["/-/operator#upstreams", "Upstreams"]);
  if (kind.startsWith("disk")) found.push(["/-/operator/disk", "Disk"]);
  found.push([address(HERE, { kind, repository }), `Others like it in ${repository}`]);
  return found.map(
    ([path, text], at) => html`${at > 0 ? " · " : null}<a href="${path}">${text}</a>`,
  );
}

function evidence(detail: Record<string, unknown>): Part {
  const rows = Object.entries(detail);
  if (rows.length === 0) return empty("Nothing more was written down with it.");
  return facts(
    rows.map(([name, value]) => [
      name,
      typeof value === "string" || typeof value === "number" || typeof value === "boolean"
        ? html`<code>${String(value)}</code>`
        : html`<pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>`,
    ]),
  );
}

function acknowledgement({ id, acknowledged }: EventShape, { now }: Visit): Part {
  const path = `${HERE}/${id}`;
  if (acknowledged)
    return html`<p>${acknowledged.by} has seen it ${since(acknowledged.at, now)}${acknowledged.note ? html`: ${acknowledged.note}` : "."}</p>${action(path, { do: "reopen" }, "Count it as not seen again")}`;
  return html`<form class="narrow" method="post" action="${path}">${hidden("do", "acknowledge")}${field("note", "What was done about it", { hint: "For who looks at it later; it stands in the audit log", isFree: true })}<button>I have seen it</button></form>`;
}

/** Whether bytes were other ones, and not what a document tells of them: then nothing but the first bytes can ever be had. */
function isOfBytes(detail: Record<string, unknown>): boolean {
  return !("shown" in detail);
}

/** After that the bytes that come next are pinned: only for who knows that the first ones were wrong. */
function unpin(id: number): Part {
  return html`<details class="apart"><summary>The new bytes are right: take the pin back</summary><form class="narrow inner" method="post" action="${HERE}/${id}">${hidden("do", "unpin")}<p>The first bytes are forgotten, and what the upstream sends next is what everybody gets from then on. Clients with lock files will refuse it.</p>${field("reason", "Reason", { hint: "It stands in the event that tells of it" })}<button>Take the pin back</button></form></details>`;
}
