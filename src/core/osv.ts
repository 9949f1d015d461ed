// The part of OSV's API that clients ask, answered from feeds: /v1/query, /v1/querybatch, /v1/vulns/ID. https://google.github.io/osv.dev/api/
import { type Advisory, affects, type Ecosystem } from "./advisory.ts";
import { jsonReply, NAMES_LIMIT, requestJson } from "./answers.ts";
import { narrowed, stepsOf } from "./audited.ts";
import { createEffort, type Effort } from "./effort.ts";
import type { VersionOrder } from "./policy.ts";
import { Problem } from "./problem.ts";
import { type Reply, reply, type SentRelease } from "./reply.ts";
import type { Repository } from "./repository.ts";
import type { Request } from "./request.ts";

export type OsvRoute =
  | { kind: "osv"; ask: "query" | "querybatch" }
  | { kind: "osvRecord"; id: string };

/** What of a format is needed to answer. */
export interface OsvFormat extends Omit<Ecosystem, "spell"> {
  order: VersionOrder;
  spell(name: string): string;
}

/** OSV takes as many at once. */
const QUERIES = 1000;
const BODY = { bytes: 4 * 1024 * 1024, values: 10 * QUERIES };
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** Below `/-/osv`: `v1/query`. Null for what is no path of it. */
export function parseOsv(method: string, segments: readonly string[]): OsvRoute | null {
  const [version, what, id, ...more] = segments;
  if (version !== "v1" || more.length > 0) return null;
  if (method === "POST" && id === undefined && (what === "query" || what === "querybatch"))
    return { kind: "osv", ask: what };
  const isRead = method === "GET" || method === "HEAD";
  return isRead && what === "vulns" && id !== undefined && ID.test(id)
    ? { kind: "osvRecord", id }
    : null;
}

export async function serveOsv(
  route: OsvRoute,
  request: Request,
  repository: Repository,
  format: OsvFormat,
): Promise<Reply> {
  const state = await repository.advisories.state();
  if (!state) throw nothingKnown(format.ecosystem);
  if (route.kind === "osvRecord") return serveRecord(route.id, repository);
  const body = await requestJson(request, BODY);
  if (!isObject(body)) throw new Problem("badRequest", "A question of OSV's API is a JSON object");
  if (route.ask === "query") {
    const { vulns: own, locked } = await answerOne(body, repository, format, createEffort());
    const vulns = own.map(({ raw }) => raw());
    const text = vulns.length > 0 ? `{"vulns":[${vulns.join(",")}]}` : "{}";
    return { ...reply(200, "application/json", text), locked };
  }
  const { queries } = body;
  if (!Array.isArray(queries)) throw new Problem("badRequest", "queries must be a list");
  if (queries.length > QUERIES)
    throw new Problem(
      "tooLarge",
      `${queries.length} queries are too many: ${QUERIES} are the most`,
    );
  const results: unknown[] = [];
  const all: SentRelease[] = [];
  const effort = createEffort();
  for (const query of queries) {
    const answer = isObject(query) ? await answerOne(query, repository, format, effort) : NOTHING;
    const { vulns: own, locked } = answer;
    all.push(...locked);
    const vulns = own.map(({ id, modifiedAt }) => ({ id, modified: modifiedAt }));
    results.push(vulns.length > 0 ? { vulns } : {});
  }
  return { ...jsonReply(200, { results }), locked: all };
}

/** The failure where no feed tells of such packages: an empty answer would be taken for "nothing is wrong with them". */
export function nothingKnown(ecosystem: string): Problem {
  return new Problem(
    "unreachable",
    `No feed that tells of ${ecosystem} was read yet, so that nothing is known: feeds: in the configuration names them, and holdfast feeds refresh reads them`,
  );
}

async function serveRecord(id: string, repository: Repository): Promise<Reply> {
  const found = await repository.advisories.byId(id);
  const own = found.find((one) => one.id === id) ?? found[0];
  if (!own) throw new Problem("notFound", `No feed has a record ${id}`);
  return reply(200, "application/json", own.raw());
}

/** Those about one package, of one version or of all. Withdrawn ones are told by their id alone, as OSV does. */
async function answerOne(
  query: Record<string, unknown>,
  repository: Repository,
  { ecosystem, purlType, order, spell, version: write = same }: OsvFormat,
  effort: Effort,
): Promise<Found> {
  const asked = isObject(query["package"]) ? query["package"] : {};
  const byPurl = purlOf(asked["purl"], purlType);
  const theirs = asked["ecosystem"];
  const name = byPurl?.name ?? asked["name"];
  if (!byPurl && theirs !== ecosystem)
    throw new Problem(
      "badRequest",
      `${repository.name} answers for ${ecosystem} alone, and is asked for ${JSON.stringify(theirs ?? null)}`,
    );
  if (typeof name !== "string" || name === "" || name.length > 500)
    throw new Problem("badRequest", "package.name must be the name of a package");
  const version = byPurl?.version ?? query["version"];
  const known = (await repository.advisories.aboutAll([spell(name)])).get(spell(name)) ?? [];
  const own = known.map(narrowed);
  const text = typeof version === "string" && version !== "" ? write(version) : null;
  const about: Advisory[] = [];
  for (const one of own) {
    const turn = text === null ? null : effort.spend(stepsOf(one));
    if (turn) await turn;
    if (text === null || affects(one, text, order)) about.push(one);
  }
  const vulns = [...new Map(about.map((one) => [one.id, one])).values()].slice(0, NAMES_LIMIT);
  const locked =
    text === null || vulns.length === 0 ? [] : [{ package: spell(name), version: text }];
  return { vulns, locked };
}

/** What is known of a package, and the release that was asked for when that is bad. */
interface Found {
  vulns: readonly Advisory[];
  locked: readonly SentRelease[];
}

const NOTHING: Found = { vulns: [], locked: [] };

/** `pkg:pypi/name@1.0`. Null for anything else. */
function purlOf(text: unknown, type: string): { name: string; version: string | null } | null {
  if (typeof text !== "string" || !text.startsWith(`pkg:${type}/`)) return null;
  const path = text.slice(`pkg:${type}/`.length).replace(/[?#].*$/, "");
  const at = path.indexOf("@", 1);
  try {
    const name = decodeURIComponent(at < 0 ? path : path.slice(0, at));
    return { name, version: at < 0 ? null : decodeURIComponent(path.slice(at + 1)) };
  } catch {
    throw new Problem("badRequest", `${JSON.stringify(text)} is no purl`);
  }
}

function same(text: string): string {
  return text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
