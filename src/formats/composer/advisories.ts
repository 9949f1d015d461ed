// Security advisories: private names stay here, and what feeds know and the upstream once answered is there when it is away.
// https://getcomposer.org/doc/05-repositories.md#security-advisories

import {
  encodeJson,
  forwarded,
  fromKept,
  jsonReply,
  noAnswer,
  refuseMany,
  tryAsk,
} from "../../core/answers.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { Answer, Question } from "../../core/question.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { type Advisories, fedAdvisories, merged } from "./advisories-feeds.ts";
import { inBatches, keepConfirmed, objectOf, parseObject, rootOf } from "./asking.ts";
import { isPackageName } from "./names.ts";
import type { Root } from "./root.ts";
import { isObject } from "./types.ts";

const BODY_LIMIT = 4 * 1024 * 1024;
const ANSWER_LIMIT = 64 * 1024 * 1024;
const WHAT = "security advisories";

/** By name, for the names that may be told to the upstream. By time alone where no name is given. */
export async function serveAdvisories(request: Request, repository: Repository): Promise<Reply> {
  const form = new URLSearchParams(
    request.method === "POST"
      ? Buffer.from(await request.body(BODY_LIMIT)).toString("utf8")
      : request.query,
  );
  const since = form.get("updatedSince");
  const wanted = namesIn(form);
  refuseMany(wanted.length);
  const names = wanted.filter((name) => !repository.claims(name));
  const state = await repository.advisories.state();
  const fed = state ? await fedAdvisories(repository, wanted, since) : {};
  if (names.length === 0 && (wanted.length > 0 || since === null))
    return jsonReply(200, { advisories: fed }, { hit: true });

  const asked = await askUpstream(names, since, repository, state !== null);
  const value = asked === null ? null : objectOf(asked)?.["advisories"];
  if (asked && !(asked instanceof Problem) && (isObject(value) || Array.isArray(value))) {
    const told = toldBy(value, repository);
    // What is newer than a day is not all that there is.
    if (since === null) await keepAll(repository, names, told);
    return jsonReply(200, { advisories: merged(told, fed) }, forwarded(asked));
  }
  const kept = await readKept(repository, names);
  if (!kept && !state) throw asked ? noAnswer(asked, WHAT) : notThere();
  // That there is nobody to be asked is no outage.
  if (!asked && !kept) return jsonReply(200, { advisories: fed }, { hit: true });
  const parts: string[] = [];
  if (kept) parts.push(`advisories as of ${new Date(kept.oldest).toISOString().slice(0, 10)}`);
  if (kept?.unknown) parts.push(`${kept.unknown} of ${names.length} packages were never asked for`);
  if (state) parts.push(`advisories of feeds as of ${state.readAt.slice(0, 10)}`);
  // Composer shows this since 2.10.
  const info = `holdfast: the upstream cannot be asked; ${parts.join("; ")}`;
  const at = kept?.oldest ?? Date.parse(state!.readAt);
  const cache = fromKept(repository, at, asked ?? notThere());
  return jsonReply(200, { advisories: merged(kept?.advisories ?? {}, fed), info }, cache);
}

/** Null where no upstream has advisories to be asked, and feeds have. */
async function askUpstream(
  names: string[],
  since: string | null,
  repository: Repository,
  isFed: boolean,
): Promise<Answer | Problem | null> {
  let root: Root;
  try {
    root = await rootOf(repository);
  } catch (error) {
    if (isFed && cannotAsk(error)) return error;
    throw error;
  }
  if (root.advisories?.apiUrl)
    return tryAsk(repository, question(root.advisories.apiUrl, names, since));
  if (isFed) return null;
  throw notThere();
}

function notThere(): Problem {
  return new Problem("notFound", `The upstream has no ${WHAT} to be asked`);
}

/** `packages[]=a/b&packages[]=c/d`, also with numbers in the brackets. */
function namesIn(form: URLSearchParams): string[] {
  const names = new Set<string>();
  for (const [key, value] of form) {
    const name = value.toLowerCase();
    if (/^packages(\[\d*\])?$/.test(key) && isPackageName(name)) names.add(name);
  }
  return [...names];
}

function question(apiUrl: string, names: string[], since: string | null): Question {
  const form = new URLSearchParams(names.map((name, at) => [`packages[${at}]`, name]));
  const seconds = since !== null && /^\d{1,12}$/.test(since) ? since : null;
  if (seconds !== null) form.set("updatedSince", seconds);
  // By time it is a question that is asked with GET.
  const limit = ANSWER_LIMIT;
  if (names.length === 0) {
    const path = `${apiUrl}${apiUrl.includes("?") ? "&" : "?"}${form}`;
    return { path, package: null, limit };
  }
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return { path: apiUrl, package: null, method: "POST", headers, body: form.toString(), limit };
}

/** An empty list of PHP's is an array. */
function toldBy(value: unknown, repository: Repository): Advisories {
  const told = new Map<string, unknown[]>();
  for (const [key, list] of Object.entries(isObject(value) ? value : {})) {
    const name = key.toLowerCase();
    if (!isPackageName(name) || repository.claims(name)) continue;
    const own = Array.isArray(list) ? list : isObject(list) ? Object.values(list) : [];
    told.set(name, own.filter(isObject));
  }
  return Object.fromEntries(told);
}

/** That there is none is worth as much. */
async function keepAll(repository: Repository, names: string[], told: Advisories): Promise<void> {
  await inBatches(names, async (name) => {
    const advisories = Object.hasOwn(told, name) ? told[name] : [];
    await keepConfirmed(repository, keyOf(name), encodeJson({ advisories }));
  });
}

async function readKept(repository: Repository, names: string[]) {
  const found = new Map<string, unknown[]>();
  let unknown = 0;
  let oldest = Infinity;
  await inBatches(names, async (name) => {
    const kept = await repository.kept(keyOf(name));
    const list = kept && parseObject(kept.bytes)?.["advisories"];
    if (!kept || !Array.isArray(list)) {
      unknown += 1;
      return;
    }
    oldest = Math.min(oldest, kept.at);
    if (list.length > 0) found.set(name, list);
  });
  return oldest === Infinity ? null : { advisories: Object.fromEntries(found), unknown, oldest };
}

function keyOf(name: string): string {
  return `advisories/${name}`;
}
