// `/-/operator/alarms`: what calls for somebody now, and the silence that is asked for.
import { type AlarmName, alarmedEvents } from "../../core/alarm.ts";
import { html, type Part } from "../frame/html.ts";
import { moment } from "../frame/text.ts";
import { chip, empty, table } from "../frame/ui.ts";
import { field, hidden } from "../people/forms.ts";
import { action, LEVEL_TONE, operatorPage, select, since } from "./pieces.ts";
import { address, formPage, pathOf, type Visit } from "./visit.ts";

const HERE = "/-/operator/alarms";

export interface AlarmsShape {
  items: {
    rule: AlarmName;
    level: "error" | "warn";
    repository: string;
    subject: string;
    message: string;
    since: string;
    isSilenced: boolean;
  }[];
  silences: {
    id: string;
    rule: string | null;
    repository: string | null;
    reason: string;
    owner: string;
    createdAt: string;
    endsAt: string;
  }[];
  rules: { rule: string; level: string; help: string }[];
}

export const serveAlarms = formPage(
  async (visit, wrong) => {
    const found = await visit.get<AlarmsShape>("/alarms");
    return operatorPage(
      {
        title: "Alarms",
        here: HERE,
        wrong,
        lead: "Each is told once by hooks and mail, and once when it is over.",
        main: html`${alarmTable(found, visit)}
<h2>Silences</h2>${silences(found, visit)}
<h3>Tell nothing for a while</h3><form class="narrow" method="post" action="${HERE}">${hidden("do", "silence")}${select(
          "rule",
          "Rule",
          [
            { value: "", text: "All rules" },
            ...found.rules.map(({ rule, help }) => ({ value: rule, text: `${rule}: ${help}` })),
          ],
          null,
        )}${select(
          "for",
          "For",
          [
            { value: "1h", text: "An hour" },
            { value: "8h", text: "Eight hours" },
            { value: "1d", text: "A day" },
            { value: "7d", text: "A week" },
          ],
          "8h",
        )}${field("reason", "Reason", { hint: "It stands in the audit log" })}<button>Silence it</button></form>`,
      },
      visit,
    );
  },
  async (visit, form) => {
    if (form.get("do") === "unsilence")
      await visit.send("DELETE", `/alarms/silences${pathOf`/${form.get("id") ?? ""}`}`);
    else
      await visit.send("POST", "/alarms/silences", {
        ...(form.get("rule") && { rule: form.get("rule") }),
        for: form.get("for") ?? "",
        reason: form.get("reason") ?? "",
      });
    return HERE;
  },
);

/** Those that there are now. */
export function alarmTable({ items }: Pick<AlarmsShape, "items">, { now }: Visit): Part {
  if (items.length === 0) return empty("Nothing calls for anybody.");
  return table(
    "Alarms, the oldest first",
    [
      { label: "Alarm" },
      { label: "Repository" },
      { label: "What" },
      { label: "Since", kind: "tight" },
      { label: "Look further" },
    ],
    items.map((one) => [
      html`${one.rule} ${chip(LEVEL_TONE[one.level]!, one.level === "error" ? "serious" : "warning")}${one.isSilenced ? html` ${chip("plain", "silenced")}` : null}`,
      one.repository === "-" ? "the server" : one.repository,
      one.message,
      since(one.since, now),
      whereTo(one),
    ]),
    { isList: false },
  );
}

/** Where the cause of an alarm stands, by its rule: of those that say no more than events do, among the events. */
const CAUSES: Readonly<
  Record<Exclude<AlarmName, keyof typeof alarmedEvents>, [path: string, text: string]>
> = {
  canary: ["/-/operator/canaries", "Canaries"],
  "upstream-down": ["/-/operator#upstreams", "Upstreams"],
  "mirror-stale": ["/-/operator/jobs", "Jobs"],
  "valid-until": ["/-/operator/jobs", "Jobs"],
  "disk-low": ["/-/operator/disk", "Disk"],
  "disk-full": ["/-/operator/disk", "Disk"],
  "storage-away": ["/-/operator", "Overview"],
  "catalog-behind": ["/-/operator", "Overview"],
  "nodes-differ": ["/-/operator#nodes", "Servers"],
  "error-rate": ["/-/operator#traffic", "Traffic"],
  "follower-stale": ["/-/operator", "Overview"],
  "backup-stale": ["/-/operator/disk#backups", "Backups"],
  "feed-stale": ["/-/operator/feeds", "Feeds"],
};

function whereTo({ rule, repository, subject }: AlarmsShape["items"][number]): Part {
  const [path, text] = isOfEvents(rule)
    ? [
        address("/-/operator/events", { kind: rule === "held" ? subject : rule, repository }),
        "Events",
      ]
    : CAUSES[rule];
  return html`<a href="${path}">${text}<span class="hide"> about ${rule} of ${repository === "-" ? "the server" : repository}</span></a>`;
}

function isOfEvents(rule: AlarmName): rule is keyof typeof alarmedEvents {
  return rule in alarmedEvents;
}

function silences({ silences }: AlarmsShape, { now }: Visit): Part {
  if (silences.length === 0) return empty("Nothing is silenced.");
  return table(
    "What is silenced",
    [
      { label: "Rule" },
      { label: "Repository" },
      { label: "Reason" },
      { label: "By" },
      { label: "Until", kind: "tight" },
      { label: "End it", isHidden: true },
    ],
    silences.map((one) => [
      one.rule ?? "all",
      one.repository ?? "all",
      one.reason,
      html`${one.owner} <span class="soft">${since(one.createdAt, now)}</span>`,
      moment(Date.parse(one.endsAt)),
      action(HERE, { do: "unsilence", id: one.id }, "End it", one.rule ?? "all"),
    ]),
    { isList: false },
  );
}
