// Filter lists of Composer 2.10: releases to keep away from (malware). As the upstream has them, also while it is away.
// https://getcomposer.org/doc/05-repositories.md#filter

import {
  encodeJson,
  forwarded,
  fromKept,
  jsonReply,
  NAMES_LIMIT,
  noAnswer,
  refuseMany,
  requestJson,
  tryAsk,
} from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { inBatches, keepConfirmed, objectOf, parseObject, rootOf } from "./asking.ts";
import { dateOf } from "./dates.ts";
import { isPackageName } from "./names.ts";
import { isObject } from "./types.ts";

const BODY = { bytes: 4 * 1024 * 1024, values: 2 * NAMES_LIMIT };
const ANSWER_LIMIT = 64 * 1024 * 1024;
const WHAT = "filter lists";
const SUMMARY = "filter/summary";

type Entries = Record<string, unknown[]>;

/** `{"filter": {list: {name: constraint}}}`. Composer asks with If-Modified-Since. */
export async function serveSummary(repository: Repository): Promise<Reply> {
  const { filter } = await rootOf(repository);
  if (!filter?.summaryUrl) throw new Problem("notFound", `The upstream has no summary of ${WHAT}`);
  const question = { path: filter.summaryUrl, package: null, limit: ANSWER_LIMIT };
  const answer = await tryAsk(repository, question);
  const value = objectOf(answer);
  if (!(answer instanceof Problem) && isObject(value?.["filter"])) {
    await keepConfirmed(repository, SUMMARY, encodeJson(value));
    return { ...(await summaryReply(value, repository)), cache: forwarded(answer) };
  }
  const kept = await repository.kept(SUMMARY);
  const before = kept && parseObject(kept.bytes);
  if (!kept || !before) throw noAnswer(answer, `summary of ${WHAT}`);
  const cache = fromKept(repository, kept.at, answer);
  return { ...(await summaryReply(before, repository)), cache };
}

/** Dated by the last change of what is shown, our claims included. */
async function summaryReply(
  value: Record<string, unknown>,
  repository: Repository,
): Promise<Reply> {
  const lists = Object.entries(value["filter"] as Record<string, unknown>).map(([list, names]) => [
    list,
    isObject(names)
      ? Object.fromEntries(Object.entries(names).filter(([name]) => !repository.claims(name)))
      : names,
  ]);
  const reply = jsonReply(200, { ...value, filter: Object.fromEntries(lists) });
  return {
    ...reply,
    lastModified: await dateOf(repository, SUMMARY, Buffer.from(reply.body as string)),
  };
}

/** `{"packages": [purl], "lists": [list]}` → `{"filter": {list: [entry]}}`, each entry with the package's name. */
export async function serveFilter(request: Request, repository: Repository): Promise<Reply> {
  const body = await requestJson(request, BODY);
  if (!isObject(body)) throw new Problem("badRequest", "The body must be a JSON object");
  const purls = new Map(
    textsOf(body["packages"]).flatMap((text) => {
      const name = nameIn(text);
      return name === null || repository.claims(name) ? [] : [[name, text]];
    }),
  );
  const names = [...purls.keys()];
  refuseMany(names.length);
  if (names.length === 0) return jsonReply(200, { filter: {} }, { hit: true });

  const { filter } = await rootOf(repository);
  if (!filter?.apiUrl) throw new Problem("notFound", `The upstream has no ${WHAT} to be asked`);
  const lists = textsOf(body["lists"]);
  const answer = await tryAsk(repository, {
    path: filter.apiUrl,
    package: null,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ packages: [...purls.values()], lists }),
    limit: ANSWER_LIMIT,
  });
  const value = objectOf(answer)?.["filter"];
  if (!(answer instanceof Problem) && (isObject(value) || Array.isArray(value))) {
    const told = entriesIn(value, repository);
    await keepAll(repository, names, told);
    return jsonReply(200, { filter: told }, forwarded(answer));
  }
  const kept = await readKept(repository, names, lists);
  if (!kept) throw noAnswer(answer, WHAT);
  return jsonReply(200, { filter: kept.entries }, fromKept(repository, kept.oldest, answer));
}

function entriesIn(value: unknown, repository: Repository): Entries {
  const found = new Map<string, unknown[]>();
  for (const [list, entries] of Object.entries(isObject(value) ? value : {}))
    if (Array.isArray(entries))
      found.set(
        list,
        entries.filter((entry) => isObject(entry) && !repository.claims(packageOf(entry))),
      );
  return Object.fromEntries(found);
}

/** By package, all of its lists. */
async function keepAll(repository: Repository, names: string[], told: Entries): Promise<void> {
  const byName = Object.entries(told).map(
    ([list, entries]) => [list, Map.groupBy(entries, packageOf)] as const,
  );
  await inBatches(names, async (name) => {
    const own = byName.map(([list, entries]) => [list, entries.get(name) ?? []]);
    await keepConfirmed(repository, keyOf(name), encodeJson(Object.fromEntries(own)));
  });
}

async function readKept(repository: Repository, names: string[], lists: string[]) {
  const found = new Map<string, unknown[]>();
  let oldest = Infinity;
  await inBatches(names, async (name) => {
    const kept = await repository.kept(keyOf(name));
    if (!kept) return;
    oldest = Math.min(oldest, kept.at);
    for (const [list, entries] of Object.entries(parseObject(kept.bytes) ?? {}))
      if (Array.isArray(entries) && lists.includes(list))
        found.set(list, [...(found.get(list) ?? []), ...entries]);
  });
  return oldest === Infinity ? null : { entries: Object.fromEntries(found), oldest };
}

/** `pkg://composer/a/b` as Composer writes it, `pkg:composer/a/b` as it should be. */
function nameIn(text: string): string | null {
  const name = /^pkg:(?:\/\/)?composer\/([^@?#]+)/i.exec(text)?.[1]?.toLowerCase();
  return name !== undefined && isPackageName(name) ? name : null;
}

function packageOf(entry: unknown): string {
  const name = isObject(entry) ? entry["package"] : null;
  return typeof name === "string" ? name.toLowerCase() : "";
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function keyOf(name: string): string {
  return `filter/of/${name}`;
}
