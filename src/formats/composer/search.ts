// Search, the list of names, and who provides a virtual package: the upstream's answer, or what is known here.
// https://getcomposer.org/doc/05-repositories.md#list; composer/composer, ComposerRepository::search
import { gunzipSync, gzipSync } from "node:zlib";
import {
  encodeJson,
  forwarded,
  fromKept,
  jsonReply,
  noAnswer,
  tryAsk,
} from "../../core/answers.ts";
import type { DocumentRef } from "../../core/document.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { Answer } from "../../core/question.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { keepConfirmed, objectOf, parseObject, rootOf } from "./asking.ts";
import { type PackageModel, packageRef } from "./documents.ts";
import { hostedRef } from "./hosted.ts";
import { hostedNames } from "./hosted-serve.ts";
import { listedNames } from "./lookup.ts";
import { globOf, type Root } from "./root.ts";
import { isObject } from "./types.ts";

const LIST_LIMIT = 128 * 1024 * 1024;
const QUERY_LIMIT = 512;
/** Each one is a document to be read. */
const KNOWN_LIMIT = 30;
const NAMES_LIMIT = 20_000;
/** A list of all names is asked for once in so long. */
const LIST_AGE_MS = 10 * 60 * 1000;

/** `{"results": [{name, description, …}], "total": n}` */
export async function serveSearch(request: Request, repository: Repository): Promise<Reply> {
  const query = new URLSearchParams(request.query);
  const text = (query.get("q") ?? "").trim().slice(0, QUERY_LIMIT);
  const root = await rootOf(repository);
  // A search for a private name tells that name to whom it is sent.
  const may =
    root.search !== null && !mayNameClaim(`${text} ${query.get("type") ?? ""}`, repository);
  const answer = may
    ? await tryAsk(repository, { path: searchUrl(root.search!, text, query), package: null })
    : null;
  const own = await hostedResults(text, (query.get("type") ?? "").toLowerCase(), repository);
  const theirs = answer && objectOf(answer);
  if (answer && !(answer instanceof Problem) && Array.isArray(theirs?.["results"])) {
    const results = theirs["results"].filter(
      (result) => isObject(result) && !repository.claims(String(result["name"])),
    );
    const { next: _, total, ...rest } = theirs;
    const count = Number(total) + own.names.length;
    const all = { ...rest, results: [...own.results, ...results] };
    return jsonReply(200, count > 0 ? { ...all, total: count } : all, forwarded(answer));
  }
  const words = wordsOf(text);
  const names = (await knownNames(root, words[0] ?? "", repository)).filter(matches(words));
  const results = await Promise.all(
    names.slice(0, KNOWN_LIMIT).map((name) => describe(name, root, repository)),
  );
  const total = own.names.length + names.length;
  return jsonReply(200, { results: [...own.results, ...results], total }, { hit: true });
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

const matches = (words: readonly string[]) => (name: string) =>
  words.every((word) => name.includes(word));

/** Of what is published here: it comes first. */
async function hostedResults(text: string, type: string, repository: Repository) {
  const words = wordsOf(text);
  const matching = (await hostedNames(repository, words[0])).filter(matches(words));
  const names = await ofType(type, matching, repository);
  const results = await Promise.all(
    names.slice(0, KNOWN_LIMIT).map((name) => describeBy(hostedRef(name, false), repository)),
  );
  return { names, results };
}

/** `type` and the page are passed on as they are. */
function searchUrl(template: string, text: string, query: URLSearchParams): string {
  const path = template
    .replaceAll("%query%", encodeURIComponent(text))
    .replaceAll("%type%", encodeURIComponent(query.get("type") ?? ""));
  const more = ["page", "per_page"].flatMap((key) => {
    const value = query.get(key);
    return value !== null && /^\d{1,4}$/.test(value) ? [`${key}=${value}`] : [];
  });
  return more.length ? `${path}${path.includes("?") ? "&" : "?"}${more.join("&")}` : path;
}

/** What is asked of the list, in the order in which it is asked for. */
interface Wanted {
  vendor: string;
  filter: string;
  type: string;
}

/** `{"packageNames": [name]}`, of `?filter=a/*`, `?vendor=a` and `?type=library`, or of all. */
export async function serveList(request: Request, repository: Repository): Promise<Reply> {
  const query = new URLSearchParams(request.query);
  const text = (key: string) => (query.get(key) ?? "").slice(0, QUERY_LIMIT).toLowerCase();
  const wanted: Wanted = { vendor: text("vendor"), filter: text("filter"), type: text("type") };
  const root = await rootOf(repository);
  const names = mayNameClaim(Object.values(wanted).join(" "), repository)
    ? null
    : await theirNames(root, wanted, repository);
  const own = await ofType(
    wanted.type,
    (await hostedNames(repository)).filter(matcher(wanted)),
    repository,
  );
  if (names && !(names instanceof Problem)) {
    const theirs = names.list.filter((name) => !repository.claims(name));
    return listReply([...own, ...theirs], names.cache);
  }

  const known = (await knownNames(root, "", repository)).filter(matcher(wanted));
  // Nothing to tell is no answer while the upstream cannot be asked.
  if (known.length + own.length === 0 && names instanceof Problem) throw names;
  return listReply([...own, ...known], { hit: true });
}

/** Those of a type that are published here; all without one. */
async function ofType(wanted: string, names: string[], repository: Repository): Promise<string[]> {
  if (wanted === "") return names;
  const found: string[] = [];
  // Of what type they are stands in each one's document: they are read one after the other.
  for (const name of names) {
    const type = (await typeOf(name, false, repository)) ?? (await typeOf(name, true, repository));
    if (type?.toLowerCase() === wanted) found.push(name);
  }
  return found;
}

/** As its releases say, or its branches; null where there are none that could be read. */
async function typeOf(
  name: string,
  isDev: boolean,
  repository: Repository,
): Promise<string | null> {
  try {
    return (await repository.model<PackageModel>(hostedRef(name, isDev), "stored")).model.type;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

function listReply(packageNames: string[], cache: Reply["cache"]): Reply {
  return jsonReply(200, { packageNames }, cache ?? null);
}

/** Null when the upstream has no such list, the reason when neither it nor a kept answer can be had. */
async function theirNames(
  root: Root,
  wanted: Wanted,
  repository: Repository,
): Promise<{ list: string[]; cache: NonNullable<Reply["cache"]> } | Problem | null> {
  if (root.list === null) return null;
  const form = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ""));
  const key = form.size > 0 ? `list?${form}` : "list";
  const kept = await readKept(repository, key);
  if (kept && form.size === 0 && repository.now() - kept.at < LIST_AGE_MS)
    return { list: kept.names, cache: { hit: true } };

  const path =
    form.size > 0 ? `${root.list}${root.list.includes("?") ? "&" : "?"}${form}` : root.list;
  const answer = await tryAsk(repository, { path, package: null, limit: LIST_LIMIT });
  const names = namesIn(objectOf(answer));
  if (names && !(answer instanceof Problem)) {
    await keepConfirmed(repository, key, gzipSync(encodeJson({ packageNames: names })));
    return { list: names, cache: forwarded(answer) };
  }
  return keptNames(repository, wanted, kept, answer);
}

/** The same question asked before, or else the list of all names when it was: a type is not told by it. */
async function keptNames(
  repository: Repository,
  wanted: Wanted,
  kept: { names: string[]; at: number } | null,
  answer: Answer | Problem,
) {
  const found = kept ?? (wanted.type === "" ? await readKept(repository, "list") : null);
  if (!found) return noAnswer(answer, "list of packages");
  const list = found.names.filter(matcher(wanted));
  return { list, cache: fromKept(repository, found.at, answer) };
}

async function readKept(repository: Repository, key: string) {
  const kept = await repository.kept(key);
  const names =
    kept && namesIn(parseObject(gunzipSync(kept.bytes, { maxOutputLength: LIST_LIMIT })));
  return kept && names ? { names, at: kept.at } : null;
}

function namesIn(value: Record<string, unknown> | null): string[] | null {
  const names = value?.["packageNames"];
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : null;
}

function matcher({ vendor, filter }: Wanted): (name: string) => boolean {
  const pattern = filter === "" ? null : globOf(filter);
  return (name) =>
    (vendor === "" || name.startsWith(`${vendor}/`)) && (pattern === null || pattern(name));
}

/** `{"providers": [{name, description, type}]}` of a virtual package. */
export async function serveProviders(name: string, repository: Repository): Promise<Reply> {
  repository.refuseClaimed(name);
  const { providers } = await rootOf(repository);
  if (providers === null) throw new Problem("notFound", "The upstream does not tell of providers");
  const answer = await tryAsk(repository, {
    path: providers.replaceAll("%package%", name),
    package: name,
  });
  const key = `providers/${name}`;
  const value = objectOf(answer);
  if (!(answer instanceof Problem) && Array.isArray(value?.["providers"])) {
    await keepConfirmed(repository, key, encodeJson(value));
    return jsonReply(200, withoutClaimed(value, repository), forwarded(answer));
  }
  const kept = await repository.kept(key);
  const before = kept && parseObject(kept.bytes);
  if (!kept || !before) throw noAnswer(answer, `list of who provides ${name}`);
  return jsonReply(200, withoutClaimed(before, repository), fromKept(repository, kept.at, answer));
}

function withoutClaimed(value: Record<string, unknown>, repository: Repository) {
  const providers = (value["providers"] as unknown[]).filter(
    (provider) => isObject(provider) && !repository.claims(String(provider["name"])),
  );
  return { ...value, providers };
}

/** Names of stored documents and those that the upstream lists, sorted. */
async function knownNames(root: Root, part: string, repository: Repository): Promise<string[]> {
  const stored = await repository.documents("package", part, NAMES_LIMIT);
  const listed = await listedNames(root, repository).catch((error) => {
    if (cannotAsk(error)) return null;
    throw error;
  });
  const names = new Set([...stored, ...(listed ?? [])]);
  return [...names].filter((name) => name.includes(part) && !repository.claims(name)).sort();
}

async function describe(name: string, root: Root, repository: Repository) {
  const plain = { name, description: "" };
  const isStored = (await repository.documents("package", name, KNOWN_LIMIT)).includes(name);
  if (root.metadataUrl === null || !isStored) return plain;
  return describeBy(packageRef(name, root.metadataUrl), repository);
}

async function describeBy(ref: DocumentRef, repository: Repository) {
  const name = ref.key;
  try {
    const { description, abandoned } = (await repository.model<PackageModel>(ref, "stored")).model;
    return { name, description, ...(abandoned !== false && { abandoned }) };
  } catch (error) {
    if (error instanceof Problem) return { name, description: "" };
    throw error;
  }
}

/** True when a text, or a part of it, is a claimed name, the vendor of one, or a pattern for some. */
function mayNameClaim(text: string, repository: Repository): boolean {
  const plain = text.replace(/%(25)*([0-9a-f]{2})/gi, (_, _again, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const words = plain
    .toLowerCase()
    .split(/[^a-z0-9._~/-]+/)
    .filter(Boolean);
  return words.some((word) => {
    const parts = word.split("/").filter(Boolean);
    const pairs = parts.map((part, at) => `${part}/${parts[at + 1] ?? "x"}`);
    return [word, ...parts, ...pairs].some((name) => repository.claims(name));
  });
}
