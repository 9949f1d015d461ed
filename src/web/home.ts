// The page at `/`: what runs here and since when, what was served, and the line that each client needs.
import type { Format } from "../core/format.ts";
import { escapeHtml } from "../core/html.ts";
import type { Overview, RepositoryState } from "../core/overview.ts";
import type { Reply } from "../core/reply.ts";
import { humanSize } from "../core/size.ts";
import { clientRows } from "./clients.ts";
import { ago, link, moment, number, page, percent, span } from "./page.ts";

/** What does not change while the server runs. */
export interface HomeDeps {
  repositories: { name: string; format: Format; options: unknown }[];
  version: string;
}

/** `origin`: this server's address as the reader sees it, without a trailing slash; it may have a path. `who`: the reader, who is logged in. */
export function homePage(
  deps: HomeDeps,
  overview: Overview,
  origin: string,
  who: string | null = null,
): Reply {
  const { repositories, version } = deps;
  const prefix = new URL(origin).pathname.replace(/\/$/, "");
  const states = repositories.map(({ name }) => overview.repositories.get(name)!);
  return page(
    "Holdfast",
    [
      `<header><div class="bar"><h1>Holdfast</h1>${who === null ? link(`${prefix}/-/login`, "Log in") : link(`${prefix}/-/account`, who)}</div>${stateOf(states)}`,
      `<p class="soft">Version ${escapeHtml(version)}, running for ${span(overview.now - overview.startedAt)}, since ${moment(overview.startedAt)}</p></header>`,
      figures(states),
      eventsTable(overview),
      `<h2>Newest files</h2>${newestTable(overview)}`,
      `<h2>Repositories</h2>${repositoryTable(repositories, overview, prefix)}`,
      "<h2>Set up a client</h2>",
      who === null
        ? ""
        : `<p class="soft">Where reading takes a name, and to publish, clients send a token as well: ${link(`${prefix}/-/account`, "make one")}. <code>holdfast setup CLIENT</code> says where each keeps it.</p>`,
      clients(deps, origin),
      `<footer>For machines: ${link(`${prefix}/-/metrics`, "metrics")} · ${link(`${prefix}/-/health/live`, "live")} · ${link(`${prefix}/-/health/ready`, "ready")}</footer>`,
    ].join("\n"),
  );
}

/** In one sentence: whether upstreams are asked, and which are away. */
export function stateOf(states: readonly RepositoryState[]): string {
  const asking = states.filter(({ isHostedOnly }) => !isHostedOnly);
  if (states.length > 0 && asking.length === 0)
    return '<p class="state good">● Hosted here: what is published, and nothing else</p>';
  if (asking.length > 0 && asking.every(({ offline }) => offline))
    return '<p class="state warn">● Offline: no upstream is asked, what is stored is served</p>';
  const away = [...new Set(states.flatMap((state) => state.away))];
  if (away.length > 0) {
    const verb = away.length === 1 ? "is" : "are";
    return `<p class="state bad">● ${escapeHtml(away.join(", "))} ${verb} away: what is stored is served</p>`;
  }
  return '<p class="state good">● Online</p>';
}

export function figures(states: readonly RepositoryState[]): string {
  const sum = (of: (state: RepositoryState) => number) =>
    states.reduce((total, state) => total + of(state), 0);
  const requests = sum(({ requests }) => requests);
  const rows: [name: string, value: string][] = [
    ["Files stored", number(sum(({ files }) => files))],
    ["Bytes stored", humanSize(sum(({ bytes }) => bytes))],
    ["Requests since the start", number(requests)],
    [
      "Answered from the store",
      percent(
        sum(({ hits }) => hits),
        requests,
      ),
    ],
  ];
  const cells = rows.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`);
  return `<dl class="figures">${cells.join("")}</dl>`;
}

function clients({ repositories }: HomeDeps, origin: string): string {
  return repositories
    .map(({ name, format, options }) => {
      const url = `${origin}/${name}`;
      const rows = clientRows(format.setup(url, options), url);
      // Of several for the same clients the first one, or the one with the format's own name, is at hand, and the others are folded.
      const same = repositories.filter((one) => one.format === format);
      const main = same.find((one) => one.name === format.name) ?? same[0]!;
      const what = `<span class="name">${escapeHtml(name)}</span> <span class="soft">${escapeHtml(format.name)}</span>`;
      return name === main.name
        ? rows
        : `<details><summary>${what}</summary><div class="inner">${rows}</div></details>`;
    })
    .join("\n");
}

function repositoryTable(
  repositories: HomeDeps["repositories"],
  overview: Overview,
  prefix: string,
): string {
  const rows = repositories.map(({ name, format }) => {
    const { files, bytes, requests, hits, offline, isHostedOnly, away } =
      overview.repositories.get(name)!;
    const state = isHostedOnly
      ? '<span class="soft">hosted here</span>'
      : offline
        ? '<span class="warn">offline</span>'
        : away.length
          ? `<span class="bad">${escapeHtml(away.join(", "))} away</span>`
          : '<span class="good">online</span>';
    const kind =
      format.name === name ? "" : ` <span class="soft">${escapeHtml(format.name)}</span>`;
    return `<tr><td>${link(`${prefix}/${name}/`, name)}${kind}</td><td>${state}</td><td class="number">${number(files)}</td><td class="number">${humanSize(bytes)}</td><td class="number wide">${number(requests)}</td><td class="number wide">${percent(hits, requests)}</td></tr>`;
  });
  return `<table><tr><th>Repository</th><th>State</th><th class="number">Files</th><th class="number">Size</th><th class="number wide">Requests</th><th class="number wide">From the store</th></tr>${rows.join("")}</table>`;
}

export function newestTable({ newest, now }: Overview): string {
  if (newest.length === 0)
    return '<p class="soft">Nothing is stored yet. What clients fetch through this server, or publish, stands here.</p>';
  const rows = newest.map(
    ({ repository, package: name, version, file, size, at }) =>
      `<tr><td>${escapeHtml(name)} <span class="soft">${escapeHtml(version)}</span></td><td class="wide">${escapeHtml(file)}</td><td>${escapeHtml(repository)}</td><td class="number">${humanSize(size)}</td><td class="number when">${ago(at, now)}</td></tr>`,
  );
  return `<table><tr><th>Package</th><th class="wide">File</th><th>Repository</th><th class="number">Size</th><th class="number">Came</th></tr>${rows.join("")}</table>`;
}

/** Nothing where nothing happened. */
export function eventsTable({ events, now }: Overview): string {
  if (events.length === 0) return "";
  const rows = events.map(
    ({ at, kind, repository, message }) =>
      `<tr><td class="when">${ago(at, now)}</td><td><b>${escapeHtml(kind)}</b></td><td class="wide">${escapeHtml(repository)}</td><td>${escapeHtml(message)}</td></tr>`,
  );
  return `<h2>What happened</h2><table><tr><th>When</th><th>Kind</th><th class="wide">Repository</th><th>What</th></tr>${rows.join("")}</table><p class="soft">All of them: <code>holdfast events</code></p>`;
}
