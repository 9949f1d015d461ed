// Security advisories: private names stay here, and what the upstream once answered is there when it is away.
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
import { Problem } from "../../core/problem.ts";
import type { Question } from "../../core/question.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { inBatches, keepConfirmed, objectOf, parseObject, rootOf } from "./asking.ts";
import { isPackageName } from "./names.ts";
import { isObject } from "./types.ts";

const BODY_LIMIT = 4 * 1024 * 1024;
const ANSWER_LIMIT = 64 * 1024 * 1024;
const WHAT = "security advisories";

type Advisories = Record<string, unknown[]>;

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
  if (names.length === 0 && (wanted.length > 0 || since === null))
    return jsonReply(200, { advisories: {} }, { hit: true });

  const { advisories } = await rootOf(repository);
  if (!advisories?.apiUrl) throw new Problem("notFound", `The upstream has no ${WHAT} to be asked`);
  const answer = await tryAsk(repository, question(advisories.apiUrl, names, since));
  const value = objectOf(answer)?.["advisories"];
  if (!(answer instanceof Problem) && (isObject(value) || Array.isArray(value))) {
    const told = toldBy(value, repository);
    // What is newer than a day is not all that there is.
    if (since === null) await keepAll(repository, names, told);
    return jsonReply(200, { advisories: told }, forwarded(answer));
  }
  const kept = await readKept(repository, names);
  if (!kept) throw noAnswer(answer, WHAT);
  const day = new Date(kept.oldest).toISOString().slice(0, 10);
  const gaps = kept.unknown
    ? `; ${kept.unknown} of ${names.length} packages were never asked for`
    : "";
  // Composer shows this since 2.10.
  const info = `holdfast: the upstream cannot be asked; advisories as of ${day}${gaps}`;
  const cache = fromKept(repository, kept.oldest, answer);
  return jsonReply(200, { advisories: kept.advisories, info }, cache);
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
