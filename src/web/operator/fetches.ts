// `/-/operator/fetches`: who fetched what, as a table and as a file; and whom a bad release has reached.
import { csvLine } from "../../core/csv.ts";
import type { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import { html, type Part } from "../frame/html.ts";
import { number } from "../frame/text.ts";
import { empty, facts, table } from "../frame/ui.ts";
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
import type { AffectedShape, FetchedShape, RepositoryShape } from "./shapes.ts";
import { address, asProblem, type Serve, type Visit } from "./visit.ts";

const HERE = "/-/operator/fetches";
const AFFECTED = "/-/operator/affected";
const SHOWN = "50";
const ASKED = ["repository", "package", "version", "digest", "principal", "address"] as const;
/** Of one file: who wants more narrows it. */
const MOST_ROWS = 100_000;
const AT_ONCE = 1_000;

export const serveFetches: Serve = async (visit) => {
  const { query } = visit;
  const repositories = await visit.get<Listed<RepositoryShape>>("/repositories");
  const asked = askedOf(query);
  let found: Listed<FetchedShape> = { items: [], next: null };
  let wrong: Problem | null = null;
  try {
    found = await visit.get("/fetches", { ...asked, limit: SHOWN, cursor: query.get("cursor") });
  } catch (error) {
    wrong = asProblem(error);
  }
  const made = operatorPage(
    {
      title: "Who fetched what",
      here: HERE,
      wrong,
      lead: html`A row for each release, caller and day. Whom an advisory concerns is asked below.`,
      main: html`${narrow(visit, repositories.items)}${wrong ? null : list(found, visit)}${older(HERE, query, found.next)}
<h2>Whom a bad release has reached</h2>${affectedForm(null)}`,
    },
    visit,
  );
  return wrong ? { ...made, status: wrong.status } : made;
};

function askedOf(query: URLSearchParams): Record<string, string | null> {
  const fields = ASKED.map((name) => [name, query.get(name)?.trim() ?? null]);
  const day = (name: string, time: string) => {
    const text = query.get(name);
    return text && /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T${time}Z` : null;
  };
  return {
    ...Object.fromEntries(fields),
    since: day("from", "00:00:00"),
    until: day("to", "23:59:59"),
  };
}

function narrow({ query }: Visit, repositories: readonly RepositoryShape[]) {
  return filters(HERE, [
    select(
      "repository",
      "Repository",
      choices(
        repositories.map(({ name }) => name),
        "All repositories",
      ),
      query.get("repository"),
    ),
    input("package", "Package", query.get("package")),
    input("version", "Version", query.get("version")),
    input("digest", "SHA-256", query.get("digest")),
    input("principal", "Caller", query.get("principal")),
    input("address", "Address", query.get("address")),
    input("from", "From", query.get("from"), "date"),
    input("to", "To", query.get("to"), "date"),
  ]);
}

const COLUMNS = [
  { label: "Release" },
  { label: "Repository" },
  { label: "Caller" },
  { label: "Address" },
  { label: "Last", kind: "tight" },
  { label: "Files sent", kind: "number" },
] as const;

function list({ items }: Listed<FetchedShape>, visit: Visit): Part {
  if (items.length === 0) return empty("Nobody was sent anything like that, as far as it is kept.");
  const { cursor: _, ...kept } = Object.fromEntries(visit.query);
  const rows = items.map((one): Part[] => [
    html`<a href="${address(HERE, { package: one.package, version: one.version })}">${one.package}</a> ${one.version}`,
    one.repository,
    caller(one),
    html`<a href="${address(HERE, { address: one.address })}">${one.address}</a>`,
    since(one.lastAt, visit.now),
    number(one.files),
  ]);
  return html`${table("Who fetched what, the newest day first", COLUMNS, rows)}<p><a href="${address(`${HERE}.csv`, kept)}" download>All of it as CSV</a> <span class="soft">(${number(MOST_ROWS)} rows at most)</span></p>`;
}

function caller({
  kind,
  principal,
  tokenName,
}: Pick<FetchedShape, "kind" | "principal" | "tokenName">): Part {
  if (kind === "anonymous") return html`<span class="soft">gave no name</span>`;
  return html`<a href="${address(HERE, { principal })}">${principal}</a>${tokenName ? html` <span class="soft">token ${tokenName}</span>` : null}`;
}

export const serveAffected: Serve = async (visit) => {
  const of = visit.query.get("of")?.trim() ?? "";
  let found: Listed<AffectedShape> = { items: [], next: null };
  let wrong: Problem | null = null;
  try {
    if (of)
      found = await visit.get("/affected", {
        of,
        limit: "200",
        cursor: visit.query.get("cursor"),
      });
  } catch (error) {
    wrong = asProblem(error);
  }
  const { items } = found;
  const made = operatorPage(
    {
      title: of ? `Whom ${of} has reached` : "Whom a bad release has reached",
      here: HERE,
      wrong,
      main: html`${affectedForm(of)}${of && !wrong ? reached(found, visit) : null}${items.length > 0 ? older(AFFECTED, visit.query, found.next) : null}`,
    },
    visit,
  );
  return wrong ? { ...made, status: wrong.status } : made;
};

function reached({ items, next }: Listed<AffectedShape>, { now }: Visit): Part {
  if (items.length === 0) return empty("Nobody was sent it, as far as it is kept.");
  const more = next === null ? "" : " on this page";
  const count = (of: (one: AffectedShape) => string) => number(new Set(items.map(of)).size) + more;
  return html`${facts([
    ["Releases", count(({ purl }) => purl)],
    [
      "Callers",
      count(({ kind, principal, address }) => (kind === "anonymous" ? address : principal)),
    ],
    ["Addresses", count(({ address }) => address)],
  ])}${table(
    "Who was sent it",
    [
      { label: "Release" },
      { label: "Repository" },
      { label: "Caller" },
      { label: "Address" },
      { label: "First", kind: "tight" },
      { label: "Last", kind: "tight" },
      { label: "Advisories" },
    ],
    items.map((one) => [
      one.purl,
      one.repository,
      caller(one),
      one.address,
      since(one.firstAt, now),
      since(one.lastAt, now),
      one.advisories.join(", "),
    ]),
  )}`;
}

function affectedForm(of: string | null) {
  return html`<form class="inline filters" method="get" action="${AFFECTED}"><label class="long"><span>Advisory, or package URL</span><input name="of" value="${of ?? ""}" autocomplete="off" required placeholder="MAL-2026-1 or pkg:npm/left-pad@1.3.0"></label><button class="quiet">Show</button></form>`;
}

/** The same as the table, to its end. */
export const serveFetchesFile: Serve = async (visit): Promise<Reply> => {
  const asked = askedOf(visit.query);
  const ask = (cursor: string | null) =>
    visit.get<Listed<FetchedShape>>("/fetches", { ...asked, limit: String(AT_ONCE), cursor });
  const first = await ask(null); // what is wrong with it is told before anything is sent
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(csvLine(HEADINGS));
    let sent = 0;
    for (let page = first; ; ) {
      yield Buffer.from(page.items.map((one) => csvLine(cellsOf(one))).join(""));
      sent += page.items.length;
      if (page.next === null || sent >= MOST_ROWS) return;
      page = await ask(page.next);
    }
  }
  return reply(
    200,
    "text/csv; charset=utf-8",
    { chunks: chunks(), size: null },
    {
      "content-disposition": 'attachment; filename="fetches.csv"',
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  );
};

const HEADINGS = [
  "repository",
  "package",
  "version",
  "purl",
  "kind",
  "principal",
  "token",
  "address",
  "first",
  "last",
  "files",
];

function cellsOf(one: FetchedShape): string[] {
  return [
    one.repository,
    one.package,
    one.version,
    one.purl,
    one.kind,
    one.principal,
    one.tokenName ?? "",
    one.address,
    one.firstAt,
    one.lastAt,
    String(one.files),
  ];
}
