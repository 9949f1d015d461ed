// The page at `/`: what runs here and since when, what was served, and the line that each client needs.
import type { Format } from "../core/format.ts";
import type { Overview, RepositoryState } from "../core/overview.ts";
import type { Reply } from "../core/reply.ts";
import { humanSize } from "../core/size.ts";
import { clientRows } from "./clients.ts";
import { type Html, html } from "./frame/html.ts";
import { page } from "./frame/page.ts";
import type { Reader, ServerState } from "./frame/reader.ts";
import { ago, moment, number, percent, span } from "./frame/text.ts";
import { chip, empty, figures as figureList, table } from "./frame/ui.ts";
import { packagePath } from "./packages/paths.ts";

/** What does not change while the server runs. */
export interface HomeDeps {
  repositories: { name: string; format: Format; options: unknown }[];
  version: string;
}

/** Of the repositories that the reader may read. */
export function homePage(
  deps: HomeDeps,
  overview: Overview,
  reader: Reader,
  /** How it goes with the server that this one follows; null for one of its own. */
  following: string | null = null,
  /** What the server stands on that is away, in words; null where nothing is. */
  trouble: string | null = null,
): Reply {
  const { repositories, version } = deps;
  const states = repositories.map(({ name }) => overview.repositories.get(name)!);
  const state = stateOf(states, trouble);
  const setup = setupOf(deps, reader);
  // Who sees it for the first time wants to know how to go on.
  const isNew = states.every(({ files }) => files === 0);
  const main = html`<div class="head"><h1>Holdfast</h1>${stateChip(state)}</div>
<p class="lead">${state.text}.${reader.isOperator ? html` <a href="/-/operator">Overview</a>` : null}</p><p class="soft">Version ${version}, running for ${span(overview.now - overview.startedAt)}, since ${moment(overview.startedAt)}</p>
${following === null ? null : html`<p>${following}.</p>`}
${figures(states)}
${isNew ? setup : null}
${eventsTable(overview, reader)}
<h2>Newest files</h2>${newestTable(overview)}
<h2>Repositories</h2>${repositoryTable(repositories, overview)}
${isNew ? null : setup}`;
  return page({ title: "Holdfast", main, section: "home" }, { ...reader, state: null });
}

/** In its place while nothing of what it shows can be read. */
export function awayPage(trouble: string, reader: Reader): Reply {
  const state = stateOf([], trouble);
  const main = html`<div class="head"><h1>Holdfast</h1>${stateChip(state)}</div>
<p class="lead">${state.text}.</p>`;
  return {
    ...page({ title: "Holdfast", main, section: "home" }, { ...reader, state: null }),
    status: 503,
  };
}

function setupOf(deps: HomeDeps, reader: Reader): Html {
  return html`<h2>Set up a client</h2>
${reader.user === null ? null : html`<p class="soft">Where reading takes a name, and to publish, clients send a token as well: <a href="/-/account">make one</a>. <code>holdfast setup CLIENT</code> says where each keeps it.</p>`}
${clients(deps, reader.origin)}`;
}

/** In one sentence: whether upstreams are asked, and which are away. */
export function stateOf(
  states: readonly Pick<RepositoryState, "offline" | "isHostedOnly" | "away">[],
  trouble: string | null,
): ServerState {
  if (trouble !== null) return { kind: "degraded", text: trouble };
  const asking = states.filter(({ isHostedOnly }) => !isHostedOnly);
  if (states.length > 0 && asking.length === 0)
    return { kind: "serving", text: "Hosted here: what is published, and nothing else" };
  if (asking.length > 0 && asking.every(({ offline }) => offline))
    return { kind: "offline", text: "Offline: no upstream is asked, what is stored is served" };
  const away = [...new Set(states.flatMap((state) => state.away))];
  if (away.length > 0) {
    const verb = away.length === 1 ? "is" : "are";
    return { kind: "degraded", text: `${away.join(", ")} ${verb} away: what is stored is served` };
  }
  return { kind: "serving", text: "Online: upstreams are asked for what is not stored" };
}

const STATES = {
  serving: ["good", "Serving"],
  degraded: ["bad", "Degraded"],
  offline: ["warn", "Offline"],
} as const;

export function stateChip({ kind }: ServerState): Html {
  const [tone, words] = STATES[kind];
  return chip(tone, words);
}

export function figures(states: readonly RepositoryState[]): Html {
  const sum = (of: (state: RepositoryState) => number) =>
    states.reduce((total, state) => total + of(state), 0);
  const requests = sum(({ requests }) => requests);
  return figureList([
    { name: "Files stored", value: number(sum(({ files }) => files)) },
    { name: "Bytes stored", value: humanSize(sum(({ bytes }) => bytes)) },
    { name: "Requests since the start", value: number(requests) },
    {
      name: "Answered from the store",
      value: percent(
        sum(({ hits }) => hits),
        requests,
      ),
    },
  ]);
}

function clients({ repositories }: HomeDeps, origin: string): Html {
  const all = repositories.map(({ name, format, options }) => {
    const url = `${origin}/${name}`;
    const rows = clientRows(format.setup(url, options), url);
    // Of several for the same clients the first one, or the one with the format's own name, is at hand, and the others are folded.
    const same = repositories.filter((one) => one.format === format);
    const main = same.find((one) => one.name === format.name) ?? same[0]!;
    const what = html`<span class="name">${name}</span> <span class="soft">${format.name}</span>`;
    return name === main.name
      ? rows
      : html`<details><summary>${what}</summary><div class="inner">${rows}</div></details>`;
  });
  return html`${all}`;
}

function repositoryTable(repositories: HomeDeps["repositories"], overview: Overview): Html {
  const rows = repositories.map(({ name, format }) => {
    const { files, bytes, requests, hits, offline, isHostedOnly, away } =
      overview.repositories.get(name)!;
    const state = isHostedOnly
      ? chip("plain", "hosted here")
      : offline
        ? chip("warn", "offline")
        : away.length
          ? chip("bad", `${away.join(", ")} away`)
          : chip("good", "online");
    const kind = format.name === name ? null : html` <span class="soft">${format.name}</span>`;
    return [
      html`<a href="/${name}/">${name}</a>${kind}`,
      state,
      number(files),
      humanSize(bytes),
      number(requests),
      percent(hits, requests),
    ];
  });
  return table(
    "Repositories",
    [
      { label: "Repository" },
      { label: "State" },
      { label: "Files", kind: "number" },
      { label: "Size", kind: "number" },
      { label: "Requests", kind: "number" },
      { label: "From the store", kind: "number" },
    ],
    rows,
  );
}

export function newestTable({ newest, now }: Overview): Html {
  if (newest.length === 0)
    return empty(
      "Nothing is stored yet. What clients fetch through this server, or publish, stands here.",
    );
  const rows = newest.map(({ repository, package: name, version, file, size, at }) => [
    html`<a href="${packagePath(repository, name)}">${name}</a> <span class="soft">${version}</span>`,
    html`<span class="mono">${file}</span>`,
    repository,
    humanSize(size),
    ago(at, now),
  ]);
  return table(
    "Newest files",
    [
      { label: "Package" },
      { label: "File" },
      { label: "Repository" },
      { label: "Size", kind: "number" },
      { label: "Came", kind: "number" },
    ],
    rows,
  );
}

/** What explains it is a page of ours: a link in place of its address. */
function linked(message: string): Html {
  const [, text = message, path] = /^(.*?):? \S*(\/-\/why\/\S+)$/.exec(message) ?? [];
  return path ? html`${text}. <a href="${path}">Why</a>` : html`${message}`;
}

/** Nothing where nothing happened. */
export function eventsTable({ events, now }: Overview, { isOperator }: Reader): Html | null {
  if (events.length === 0) return null;
  const rows = events.map(({ at, kind, repository, message }) => [
    ago(at, now),
    html`<b>${kind}</b>`,
    repository,
    linked(message),
  ]);
  const columns = [
    { label: "When", kind: "tight" as const },
    { label: "Kind" },
    { label: "Repository" },
    { label: "What" },
  ];
  return html`<h2>What happened</h2>${table("What happened", columns, rows)}<p class="soft">All of them: ${isOperator ? html`<a href="/-/operator/events">Events</a>` : "on the page “Events” of the operator"}, or <code>holdfast events</code></p>`;
}
