// `/-/operator`: how the server fares, why, and where each trouble is looked into.
import { humanSize } from "../../core/size.ts";
import { html, type Part } from "../frame/html.ts";
import { number, span } from "../frame/text.ts";
import { chip, empty, figures, notice, table } from "../frame/ui.ts";
import { type AlarmsShape, alarmTable } from "./alarms.ts";
import { CANARIES, canaryTable } from "./canaries.ts";
import { type Listed, operatorPage, since } from "./pieces.ts";
import { repositoryPath } from "./repositories.ts";
import type {
  CanariesShape,
  CountShape,
  DiskShape,
  FeedShape,
  ForecastShape,
  StateShape,
} from "./shapes.ts";
import { traffic } from "./traffic.ts";
import { address, type Serve, type Visit } from "./visit.ts";

const WHERE: Readonly<Record<string, [path: string, text: string]>> = {
  upstream: ["#upstreams", "Upstreams"],
  disk: ["/-/operator/disk", "Disk"],
  feed: ["/-/operator/feeds", "Feeds"],
  canary: [CANARIES, "Canaries"],
  storage: ["/-/operator/jobs", "Jobs"],
  nodes: ["#nodes", "Servers"],
  events: ["/-/operator/events?level=error&acknowledged=no", "Events"],
};

export const serveOverview: Serve = async (visit) => {
  const [state, disk, counts, feeds, forecast, alarms, canaries, shown] = await Promise.all([
    visit.get<StateShape>("/state"),
    visit.get<DiskShape>("/disk"),
    visit.get<{ items: CountShape[] }>("/withheld/counts"),
    visit.get<Listed<FeedShape>>("/feeds"),
    visit.get<ForecastShape>("/disk/forecast"),
    visit.get<AlarmsShape>("/alarms"),
    visit.get<CanariesShape>("/canaries"),
    traffic(visit),
  ]);
  return operatorPage(
    {
      title: "Overview",
      here: "/-/operator",
      main: html`${stateNotice(state, visit)}
${numbers(state, disk, counts.items, forecast)}
${alarms.items.length > 0 ? html`<h2>Alarms</h2>${alarmTable(alarms, visit)}` : null}
<h2 id="upstreams">Upstreams</h2>${upstreamTable(state, visit)}
${shown}
${state.nodes.length > 0 ? html`<h2 id="nodes">Servers</h2>${nodeTable(state, visit)}` : null}
<h2>Feeds of advisories</h2>${feedTable(feeds.items, visit)}
<h2 id="canaries">Canaries</h2>${canaryTable(canaries, visit)}<p><a href="${CANARIES}">What they are, and another round</a></p>
<h2>Last change of policy</h2>${lastChange(state, visit)}`,
    },
    visit,
  );
};

function stateNotice(state: StateShape, { now }: Visit) {
  const words = {
    serving: "Serving",
    degraded: "Degraded: what is stored is served",
    offline: "Offline: no upstream is asked, what is stored is served",
  }[state.state];
  const isBad = state.reasons.some(({ level }) => level === "bad");
  const tone = isBad
    ? "bad"
    : state.state === "offline" || state.reasons.length > 0
      ? "warn"
      : "good";
  const reasons = state.reasons.map(({ text, since: begun, about }) => {
    const [path, name] = WHERE[about] ?? ["/-/operator/events", "Events"];
    return html`<li>${text}${begun ? html` (${since(begun, now)})` : null}. <a href="${path}">${name}</a></li>`;
  });
  return notice(
    tone,
    html`<p><strong>${words}</strong>, for ${span(now - Date.parse(state.since))}. Version ${state.version}, running for ${span(now - Date.parse(state.startedAt))}.</p>${reasons.length > 0 ? html`<ul>${reasons}</ul>` : null}`,
  );
}

function nodeTable({ nodes }: StateShape, { now }: Visit) {
  const rows = nodes.map((node) => [
    html`<span class="mono">${node.id}</span>${node.isSelf ? html` <span class="soft">this one</span>` : null}`,
    html`${node.host}${node.pid === null ? null : html` <span class="soft">process ${node.pid}</span>`}`,
    node.url ?? "",
    node.version,
    since(node.since, now),
    node.differs.length > 0 ? chip("bad", `other: ${node.differs.join(", ")}`) : "the same",
  ]);
  return table(
    "Servers",
    ["Server", "Host", "Address", "Version", "Runs", "Configuration"].map((label) => ({ label })),
    rows,
  );
}

function numbers(
  state: StateShape,
  disk: DiskShape,
  counts: readonly CountShape[],
  forecast: ForecastShape,
) {
  const of = (verdict: string) =>
    counts.reduce((sum, one) => (one.verdict === verdict ? sum + one.count : sum), 0);
  const linked = (value: number, path: string) => html`<a href="${path}">${number(value)}</a>`;
  const { error, warn } = state.unacknowledged;
  return figures([
    {
      name: "Held",
      value: linked(of("hold"), "/-/operator/withheld?verdict=hold"),
      hint: "Releases that clients asked about",
    },
    {
      name: "Blocked",
      value: linked(of("block"), "/-/operator/withheld?verdict=block"),
      hint: "Releases that somebody was refused",
    },
    {
      name: "Serious events",
      value: linked(error, "/-/operator/events?level=error&acknowledged=no"),
      hint: "Of 30 days, not acknowledged",
    },
    {
      name: "Warnings",
      value: linked(warn, "/-/operator/events?level=warn&acknowledged=no"),
      hint: "Of 30 days, not acknowledged",
    },
    {
      name: "Disk free",
      value: html`<a href="/-/operator/disk">${humanSize(disk.free)}</a>`,
      hint: `Of ${humanSize(disk.total)}. ${fullWords(forecast)}`,
    },
  ]);
}

/** When the disk is full, as a range, and by what growth. */
export function fullWords({ days, growth, full }: ForecastShape): string {
  if (growth === null) return `When it is full is told from 3 days on; ${days} are known`;
  const daily = `${growth.median < 0 ? "−" : ""}${humanSize(Math.abs(growth.median))} a day`;
  if (full.early === null) return `${daily}: not full within ten years`;
  const until = full.late === null ? "later than in ten years" : full.late.slice(0, 10);
  return `${daily}: full between ${full.early.slice(0, 10)} and ${until}`;
}

function upstreamTable({ upstreams }: StateShape, { now }: Visit) {
  if (upstreams.length === 0)
    return empty("No upstream is asked: the repositories are offline, or hosted here alone.");
  const rows = upstreams.map((one): Part[] => [
    one.host,
    html`<a href="${repositoryPath(one.repository)}">${one.repository}</a>`,
    one.breaker === "closed"
      ? one.answers > 0
        ? chip("good", "answers")
        : chip("plain", "not asked yet")
      : html`${chip("bad", one.breaker === "open" ? "away" : "being asked again")}${one.awaySince ? html` ${since(one.awaySince, now)}` : null}`,
    since(one.answeredAt, now, "never"),
    one.failure
      ? html`${one.failure}${one.failedAt ? html` <span class="soft">(${since(one.failedAt, now)})</span>` : null}`
      : html`<span class="soft">none</span>`,
    one.latency ? `${took(one.latency.p50)} · ${took(one.latency.p95)}` : "–",
  ]);
  return table(
    "Upstreams and how they answer",
    [
      { label: "Upstream" },
      { label: "Repository" },
      { label: "State" },
      { label: "Last answer", kind: "tight" },
      { label: "Last failure" },
      { label: "p50 · p95", kind: "number" },
    ],
    rows,
    { isList: false },
  );
}

function took(seconds: number): string {
  return seconds < 10 ? `${Math.round(seconds * 1000)} ms` : `${Math.round(seconds)} s`;
}

export function feedTable(feeds: readonly FeedShape[], { now }: Visit) {
  if (feeds.length === 0)
    return empty(
      html`No feed is configured. <code>feeds:</code> in the configuration tells which releases are known to be bad.`,
    );
  return table(
    "Feeds and when they were read",
    [
      { label: "Feed" },
      { label: "State" },
      { label: "Read", kind: "tight" },
      { label: "Newest record", kind: "tight" },
      { label: "Records", kind: "number" },
    ],
    feeds.map(({ name, error, readAt, newestAt, records, seedOf }) => [
      name,
      stateOf({ error, readAt, seedOf }),
      since(seedOf ?? readAt, now, "never"),
      since(newestAt, now),
      number(records),
    ]),
    { isList: false },
  );
}

function stateOf({ error, readAt, seedOf }: Pick<FeedShape, "error" | "readAt" | "seedOf">) {
  if (error !== null) return html`${chip("bad", "fails")} ${error}`;
  if (seedOf !== null) return chip("plain", `seed of ${seedOf.slice(0, 10)}`);
  return readAt === null ? chip("plain", "not read yet") : chip("good", "well");
}

const DID: Readonly<Record<string, string>> = {
  waive: "waived",
  unwaive: "took back a waiver of",
  block: "blocked",
  unblock: "took back a block of",
};

function lastChange({ lastPolicyChange: last }: StateShape, { now }: Visit) {
  if (!last) return empty("Nobody has waived or blocked anything yet.");
  const { by, action, package: name, detail, at } = last;
  const versions = String(detail["versions"] ?? "");
  return html`<p>${by} ${DID[action] ?? action} <a href="${address("/-/operator/audit", { package: name })}">${name ?? ""} ${versions}</a> ${since(at, now)}: ${String(detail["reason"] ?? "")}</p>`;
}
