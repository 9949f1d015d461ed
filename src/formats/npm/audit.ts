// Security audits: private names stay here, and what feeds know and the upstream once answered is there when it is away.
// npm/arborist lib/audit-report.js (advisories/bulk); npm 6, pnpm and yarn 1 (audits, audits/quick)
import { createHash } from "node:crypto";
import type { Advisory as Known, ToldState } from "../../core/advisory.ts";
import {
  encodeJson,
  forwarded,
  fromKept,
  jsonOf,
  jsonReply,
  NAMES_LIMIT,
  noAnswer,
  parseJson,
  refuseMany,
  requestJson,
  tryAsk,
} from "../../core/answers.ts";
import { lockedIn } from "../../core/audited.ts";
import { createEffort } from "../../core/effort.ts";
import { Problem } from "../../core/problem.ts";
import type { Answer } from "../../core/question.ts";
import type { Reply, SentRelease } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import {
  type Advisory,
  type KeptAdvisories,
  keepAdvisories,
  keptAdvisories,
} from "./advisories.ts";
import { ageOf, fedAdvisories, merged } from "./audit-feeds.ts";
import { type Placed, placesOf } from "./audit-paths.ts";
import { reportWith } from "./audit-report.ts";
import { publicTree, type Tree } from "./audit-tree.ts";
import { isPackageName } from "./names.ts";
import { notice } from "./problem.ts";
import { isObject } from "./types.ts";
import { compareVersions } from "./withheld.ts";

/** A name and its versions. */
const BULK = { bytes: 4 * 1024 * 1024, values: 5 * NAMES_LIMIT };
const NOTHING: ReadonlyMap<string, []> = new Map();
/** Of one package: each is held against all that is known of it. */
const VERSIONS_LIMIT = 1000;
/** Of each package some fields, and what it requires. */
const TREE = { bytes: 16 * 1024 * 1024, values: 10 * NAMES_LIMIT };

/**
 * `{name: [versions]}` → `{name: [advisories]}`. The upstream is asked about the names that may be told to it; what feeds know is told beside its answer, and in
 * its place where it has none.
 */
export async function serveAdvisories(request: Request, repository: Repository): Promise<Reply> {
  const asked = readBulk(await readBody(request, BULK));
  const state = await repository.advisories.state();
  const effort = createEffort();
  const fed = state ? await fedAdvisories(repository, asked, effort) : NOTHING;
  const locked = await lockedIn(fed, asked, compareVersions, effort);
  return { ...(await answerBulk(asked, fed, state, repository)), locked };
}

async function answerBulk(
  asked: ReadonlyMap<string, string[]>,
  fed: ReadonlyMap<string, readonly Known[]>,
  state: ToldState | null,
  repository: Repository,
): Promise<Reply> {
  const told = new Map([...asked].filter(([name]) => !repository.claims(name)));
  if (told.size === 0) return jsonReply(200, withoutEmpty(merged(NOTHING, fed)), { hit: true });

  const answer = await askUnlessFed("-/npm/v1/security/advisories/bulk", told, repository, state);
  const value = jsonOf(answer);
  if (!(answer instanceof Problem) && isObject(value)) {
    const advisories = advisoriesIn(value, told);
    await keepAdvisories(repository, told, advisories);
    const late = state?.failing.length ? { "npm-notice": notice(`holdfast: ${ageOf(state)}`) } : {};
    return jsonReply(200, withoutEmpty(merged(advisories, fed)), forwarded(answer), late);
  }
  const kept = await keptAdvisories(repository, told);
  if (!kept && !state) throw noAnswer(answer, "audit endpoint");
  const all = merged(kept?.advisories ?? NOTHING, fed);
  const cache = fromKept(repository, kept?.oldest ?? Date.parse(state!.readAt), answer);
  const text = `holdfast: the upstream cannot be asked; ${ageOfAll(kept, told.size, state)}`;
  return jsonReply(200, withoutEmpty(all), cache, { "npm-notice": notice(text) });
}

/** The older form: a whole dependency tree in, a report out. */
export async function serveAudit(
  form: "audits" | "audits/quick",
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const body = await readBody(request, TREE);
  const tree = publicTree(body, (name) => repository.claims(name));
  const state = await repository.advisories.state();
  let locked: readonly SentRelease[] = [];
  const withFeeds = async (report: Record<string, unknown> | null) => {
    if (!state) return report;
    const places = placesOf(body);
    const effort = createEffort();
    const asked = releasesOf(places);
    const fed = await fedAdvisories(repository, asked, effort);
    locked = await lockedIn(fed, asked, compareVersions, effort);
    return reportWith(report, places, fed, effort);
  };
  const key = `${form}/${fingerprint(tree)}`;
  const answer = await askUnlessFed(`-/npm/v1/security/${form}`, tree, repository, state);
  const value = jsonOf(answer);
  if (!(answer instanceof Problem) && isObject(value)) {
    await repository.keep(key, encodeJson(value), { evictable: true });
    const report = await withFeeds(value);
    return { ...jsonReply(200, report, forwarded(answer)), locked };
  }
  const kept = await repository.kept(key);
  if (!kept && !state) throw noAnswer(answer, "audit endpoint");
  const before = kept ? parseJson(kept.bytes) : null;
  const cache = fromKept(repository, kept?.at ?? Date.parse(state!.readAt), answer);
  const report = await withFeeds(isObject(before) ? before : null);
  return { ...jsonReply(200, report, cache), locked };
}

/** Where there is no upstream, the feeds are all that can be asked. */
async function askUnlessFed(
  path: string,
  body: Map<string, string[]> | Tree,
  repository: Repository,
  state: ToldState | null,
): Promise<Answer | Problem> {
  if (state && !repository.hasUpstreams)
    return new Problem("unreachable", `${repository.name} has no upstream`);
  const text = JSON.stringify(body instanceof Map ? Object.fromEntries(body) : body);
  return tryAsk(repository, post(path, text));
}

function advisoriesIn(
  value: Record<string, unknown>,
  asked: ReadonlyMap<string, unknown>,
): Map<string, Advisory[]> {
  const told = new Map<string, Advisory[]>();
  for (const name of asked.keys()) {
    const own = Object.hasOwn(value, name) ? value[name] : [];
    told.set(name, Array.isArray(own) ? own.filter(isObject) : []);
  }
  return told;
}

/** How old that is which is told in place of the upstream's answer. */
function ageOfAll(kept: KeptAdvisories | null, asked: number, state: ToldState | null): string {
  const parts: string[] = [];
  if (kept) {
    parts.push(`advisories as of ${new Date(kept.oldest).toISOString().slice(0, 10)}`);
    if (kept.unknown) parts.push(`${kept.unknown} of ${asked} packages were never asked for`);
  }
  if (state) parts.push(ageOf(state));
  return parts.join("; ");
}

function releasesOf(places: readonly Placed[]): Map<string, string[]> {
  const releases = new Map<string, Set<string>>();
  for (const { name, version } of places) {
    const versions = releases.get(name);
    if (versions) versions.add(version);
    else releases.set(name, new Set([version]));
  }
  refuseMany(releases.size);
  for (const [name, versions] of releases) refuseManyVersions(name, versions.size);
  return new Map([...releases].map(([name, versions]) => [name, [...versions]]));
}

function refuseManyVersions(name: string, count: number): void {
  if (count > VERSIONS_LIMIT)
    throw new Problem(
      "tooLarge",
      `An audit of ${count} versions of ${name} is too large: ${VERSIONS_LIMIT} is the most`,
    );
}

function post(path: string, body: string) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  return { path, package: null, method: "POST", headers, body } as const;
}

async function readBody(
  request: Request,
  limits: { bytes: number; values: number },
): Promise<Record<string, unknown>> {
  const body = await requestJson(request, limits);
  if (!isObject(body))
    throw new Problem("badRequest", "The body of an audit must be a JSON object");
  return body;
}

function readBulk(body: Record<string, unknown>): Map<string, string[]> {
  const asked = new Map<string, string[]>();
  refuseMany(Object.keys(body).length);
  for (const [name, versions] of Object.entries(body)) {
    if (!isPackageName(name) || !Array.isArray(versions)) continue;
    const texts = versions.filter((version) => typeof version === "string");
    refuseManyVersions(name, texts.length);
    if (texts.length) asked.set(name, texts);
  }
  return asked;
}

function withoutEmpty(advisories: Map<string, unknown[]>): Record<string, unknown> {
  return Object.fromEntries([...advisories].filter(([, list]) => list.length > 0));
}

/** The same for every tree of the same releases. */
function fingerprint(tree: Tree): string {
  const releases = new Set<string>();
  const open: unknown[] = [tree];
  while (open.length) {
    const dependencies = (open.pop() as Tree)["dependencies"];
    if (!isObject(dependencies)) continue;
    for (const [name, dependency] of Object.entries(dependencies)) {
      if (!isObject(dependency)) continue;
      releases.add(`${name}@${dependency["version"]}`);
      open.push(dependency);
    }
  }
  return createHash("sha256")
    .update([...releases].sort().join("\n"))
    .digest("hex");
}
