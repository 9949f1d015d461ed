// `/-/operator/withheld`: what policy keeps from clients, the newest first, and what people excepted from it.
import { html, type Part } from "../frame/html.ts";
import { moment, number } from "../frame/text.ts";
import { chip, empty, table } from "../frame/ui.ts";
import {
  choices,
  filters,
  input,
  type Listed,
  older,
  operatorPage,
  select,
  since,
} from "./pieces.ts";
import type { CountShape, ExceptionShape, RepositoryShape, WithheldShape } from "./shapes.ts";
import { address, type Serve, type Visit } from "./visit.ts";

const HERE = "/-/operator/withheld";
export const DECIDE = `${HERE}/decide`;
export const TAKE_BACK = `${HERE}/back`;
const SHOWN = "50";
const ASKED = ["repository", "format", "rule", "verdict", "package", "cursor"] as const;

const DONE: Readonly<Record<string, string>> = {
  release: "Released: clients see it from their next request on.",
  waive: "Waived: clients see it from their next request on, until the waiver ends.",
  block: "Blocked: nobody is sent it from now on.",
  revoked: "Taken back: the rules hold again from the next request on.",
};

export const serveWithheld: Serve = async (visit) => {
  const asked = Object.fromEntries(ASKED.map((name) => [name, visit.query.get(name)]));
  const [found, counts, waivers, blocks, repositories] = await Promise.all([
    visit.get<Listed<WithheldShape>>("/withheld", { ...asked, limit: SHOWN }),
    visit.get<{ items: CountShape[] }>("/withheld/counts"),
    visit.get<Listed<ExceptionShape>>("/waivers", { limit: "1000" }),
    visit.get<Listed<ExceptionShape>>("/blocks", { limit: "1000" }),
    visit.get<Listed<RepositoryShape>>("/repositories"),
  ]);
  return operatorPage(
    {
      title: "Held and blocked",
      here: HERE,
      done: DONE[visit.query.get("done") ?? ""] ?? null,
      lead: "Releases that clients asked about and did not get. A held one is let through by itself when its time has come; a blocked one is not.",
      main: html`${narrow(visit, counts.items, repositories.items)}${list(found, visit)}
<h2>Blocked by hand</h2>${exceptions(blocks.items, "block", visit)}
${other(repositories.items)}
<h2>Waivers</h2>${exceptions(waivers.items, "waiver", visit)}`,
    },
    visit,
  );
};

function narrow(
  { query }: Visit,
  counts: readonly CountShape[],
  repositories: readonly RepositoryShape[],
) {
  const rules = [...Map.groupBy(counts, ({ rule }) => rule)].map(([rule, some]) => ({
    value: rule,
    text: `${rule} (${number(some.reduce((sum, { count }) => sum + count, 0))})`,
  }));
  const chosen = query.get("rule");
  if (chosen && !rules.some(({ value }) => value === chosen))
    rules.push({ value: chosen, text: chosen });
  const formats = [...new Set(repositories.map(({ format }) => format))];
  return filters(HERE, [
    select(
      "verdict",
      "State",
      [
        { value: "", text: "Held and blocked" },
        { value: "hold", text: "Held" },
        { value: "block", text: "Blocked" },
      ],
      query.get("verdict"),
    ),
    select("rule", "Rule", [{ value: "", text: "All rules" }, ...rules], chosen),
    select(
      "repository",
      "Repository",
      choices(
        repositories.map(({ name }) => name),
        "All repositories",
      ),
      query.get("repository"),
    ),
    select("format", "Format", choices(formats, "All formats"), query.get("format")),
    input("package", "Package", query.get("package")),
  ]);
}

/** How a release is told from others in forms and addresses. */
function releaseKey({ repository, purl }: Pick<WithheldShape, "repository" | "purl">) {
  return `${repository} ${purl}`;
}

function list({ items, next }: Listed<WithheldShape>, visit: Visit): Part {
  const { query, now } = visit;
  if (items.length === 0)
    return empty(
      ASKED.some((name) => query.get(name))
        ? "Nothing of that is held or blocked."
        : "Nothing is held or blocked that a client asked about.",
    );
  const rows = items.map((one): Part[] => {
    const key = releaseKey(one);
    const name = `${one.package} ${one.version}`;
    return [
      html`<label class="pick"><input type="checkbox" name="release" value="${key}"><span class="hide">${name}</span></label><a href="${address(DECIDE, { release: key })}">${one.package}</a> ${one.version}`,
      verdictChip(one.verdict),
      one.rule,
      one.repository,
      until(one.until, visit),
      since(one.since, now),
      one.asked
        ? html`${one.asked.by || one.asked.from} <span class="soft">${since(one.asked.at, now)}</span>`
        : html`<span class="soft">nobody by name</span>`,
    ];
  });
  return html`<form method="get" action="${DECIDE}">${table(
    "Releases that are withheld",
    [
      { label: "Release" },
      { label: "State", kind: "tight" },
      { label: "Rule" },
      { label: "Repository" },
      { label: "Until", kind: "tight" },
      { label: "Since", kind: "tight" },
      { label: "Refused last" },
    ],
    rows,
  )}<button class="quiet">Release, waive or block those that are ticked</button></form>${older(HERE, query, next)}`;
}

export function verdictChip(verdict: "hold" | "block") {
  return verdict === "hold" ? chip("warn", "held") : chip("bad", "blocked");
}

export function until(time: string | null, { now }: Pick<Visit, "now">): Part {
  return time === null ? "no end by itself" : since(time, now);
}

/** One that nobody asked about yet. */
function other(repositories: readonly RepositoryShape[]): Part {
  return html`<h3>Decide on another release</h3><form class="inline filters" method="get" action="${DECIDE}">${select(
    "repository",
    "Repository",
    choices(repositories.map(({ name }) => name)),
    null,
  )}<label class="long"><span>Package URL</span><input name="purl" autocomplete="off" required placeholder="pkg:npm/left-pad@1.3.0"></label><button class="quiet">Look at it</button></form>`;
}

function exceptions(all: readonly ExceptionShape[], kind: "waiver" | "block", visit: Visit): Part {
  const { now } = visit;
  if (all.length === 0)
    return empty(
      kind === "waiver"
        ? "Nobody has excepted anything from the rules."
        : "Nobody has blocked a release by hand.",
    );
  const rows = [...all]
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    .map((one): Part[] => {
      const name = `${one.purl} ${one.versions}`;
      const isOver = one.until !== null && Date.parse(one.until) <= now;
      const end = one.untilFixed
        ? "until it is fixed"
        : one.until === null
          ? "until it is taken back"
          : isOver
            ? html`<span class="soft">ended ${since(one.until, now)}</span>`
            : html`until ${moment(Date.parse(one.until))}`;
      return [
        name,
        one.repository ?? "all",
        one.reason,
        html`${one.owner} <span class="soft">${since(one.createdAt, now)}</span>`,
        end,
        html`<a class="button quiet" href="${address(TAKE_BACK, { kind, id: one.id })}">Take back<span class="hide"> ${name}</span></a>`,
      ];
    });
  return table(
    kind === "waiver" ? "Waivers" : "Releases that are blocked by hand",
    [
      { label: "Release" },
      { label: "Repository" },
      { label: "Reason" },
      { label: "By" },
      { label: "Until" },
      { label: "Take back", isHidden: true },
    ],
    rows,
    { isList: false },
  );
}
