// Search: the upstream's answer, and what is known here. GET /-/v1/search, npm/registry docs/REGISTRY-API.md

import { forwarded, jsonOf, jsonReply, parseJson, tryAsk } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { packumentRef } from "./documents.ts";
import { isObject } from "./types.ts";

/** "size ... (max 250)", "from ... (max 10000)": what registries accept. */
const SIZE_LIMIT = 250;
const FROM_LIMIT = 10_000;
/** Each one is a document to be read. */
const KNOWN_LIMIT = 50;
/** Of those whose descriptions are looked into: their views are in memory, or one file each. */
const OWN_LIMIT = 500;

interface Result {
  package: { name: string };
}

interface Found {
  objects: Result[];
  total: number;
}

export async function serveSearch(request: Request, repository: Repository): Promise<Reply> {
  const query = new URLSearchParams(request.query);
  const text = (query.get("text") ?? "").trim().slice(0, 512);
  const size = bounded(query.get("size"), 20, SIZE_LIMIT);
  const from = bounded(query.get("from"), 0, FROM_LIMIT);
  const words = wordsOf(text);
  const time = new Date(repository.now()).toUTCString();

  // A search for a private name tells that name to whom it is sent.
  const may = text !== "" && isPublic(text, repository);
  const answer = may ? await tryAsk(repository, question(text, size, from, query)) : null;
  const theirs = answer ? readFound(jsonOf(answer), repository) : null;
  const names = await knownNames(words, repository);
  if (!theirs || !answer || answer instanceof Problem) {
    const objects = await describe(names.slice(from, from + size), repository);
    return jsonReply(200, { objects, total: names.length, time }, { hit: true });
  }
  const shown = new Set(theirs.objects.map((result) => result.package.name));
  const extra = names.filter((name) => !shown.has(name));
  const start = Math.max(0, from - theirs.total);
  const room = Math.max(0, size - theirs.objects.length);
  const objects = [
    ...theirs.objects,
    ...(await describe(extra.slice(start, start + room), repository)),
  ];
  const total = theirs.total + extra.length;
  return jsonReply(200, { objects, total, time }, forwarded(answer));
}

function bounded(text: string | null, otherwise: number, limit: number): number {
  const value = text === null ? Number.NaN : Number.parseInt(text, 10);
  return Number.isNaN(value) || value < 0 ? otherwise : Math.min(value, limit);
}

/** Words without the qualifiers, signs and quotes around them: `keywords:-a,@acme/b` → a, @acme/b; `scope:acme` → @acme. */
function wordsOf(text: string): string[] {
  return text
    .split(/[\s,"']+/)
    .map((word) =>
      word
        .replace(/^scope:@?/, "@")
        .replace(/^[a-z-]+:/, "")
        .replace(/^[-+]+/, ""),
    )
    .filter((word) => word !== "");
}

const NAME_LENGTH = 214;

/**
 * Whatever in the text may be a name, however it is wrapped: `scope:acme`, `"./@acme/b"`, `%40acme%2fb`, `@acme/b@1`, `b~`. All that stands between
 * two places at which a name may begin and end.
 */
function* namesIn(text: string): Generator<string> {
  const plain = text.replace(/%(25)*([0-9a-f]{2})/gi, (_, _again, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  for (const chunk of plain.split(/[^A-Za-z0-9._~!'()*@/-]+/)) {
    const edges = [0, chunk.length];
    for (const { index } of chunk.matchAll(/[^A-Za-z0-9]/g)) edges.push(index, index + 1);
    const places = [...new Set(edges)].sort((a, b) => a - b);
    for (const [at, from] of places.entries())
      for (const to of places.slice(at + 1)) {
        if (to - from > NAME_LENGTH) break;
        yield chunk.slice(from, to);
      }
  }
}

/** A text with more is no search that a person types: it stays here. */
const NAMES_LIMIT = 5_000;

/** True when nothing in the text may be a private name. */
function isPublic(text: string, repository: Repository): boolean {
  let count = 0;
  for (const name of namesIn(text)) {
    count += 1;
    if (count > NAMES_LIMIT || concernsClaim(name, repository)) return false;
  }
  return true;
}

/** True when a word is a claimed name, or the scope of one. */
function concernsClaim(word: string, repository: Repository): boolean {
  const scope = word.startsWith("@") ? word.split("/")[0]! : `@${word}`;
  return repository.claims(word) || repository.claims(`${scope}/x`);
}

function question(text: string, size: number, from: number, query: URLSearchParams) {
  const asked = new URLSearchParams({ text, size: String(size), from: String(from) });
  for (const weight of ["quality", "popularity", "maintenance"]) {
    const value = Number.parseFloat(query.get(weight) ?? "");
    if (value >= 0 && value <= 1) asked.set(weight, String(value));
  }
  return { path: `-/v1/search?${asked}`, package: null };
}

/** The upstream's results, without private names. Null when it is no such answer. */
function readFound(answer: unknown, repository: Repository): Found | null {
  if (!isObject(answer) || !Array.isArray(answer["objects"])) return null;
  const objects = answer["objects"].filter(
    (result): result is Result =>
      isObject(result) &&
      isObject(result["package"]) &&
      typeof result["package"]["name"] === "string" &&
      !repository.claims(result["package"]["name"]),
  );
  const total = typeof answer["total"] === "number" ? answer["total"] : objects.length;
  return { objects, total };
}

/** Names of stored packuments that hold every word; of packages that are published here, those too that say them in description, keywords or readme. */
async function knownNames(words: string[], repository: Repository): Promise<string[]> {
  const [first = "", ...others] = words.map((word) => word.toLowerCase());
  const names = await repository.documents("packument", first, KNOWN_LIMIT);
  const named = names.filter((name) => others.every((word) => name.toLowerCase().includes(word)));
  const own = first === "" ? [] : await repository.hosting.search("", OWN_LIMIT);
  const saying = await Promise.all(
    own.map(async (name) => {
      const text = `${name.toLowerCase()} ${await wordsOfPackage(name, repository)}`;
      return [first, ...others].every((word) => text.includes(word)) ? [name] : [];
    }),
  );
  return [...new Set([...named, ...saying.flat()])];
}

async function wordsOfPackage(name: string, repository: Repository): Promise<string> {
  try {
    const read = await repository.read(packumentRef(name), { variant: "words", base: "" });
    return String(parseJson(read.bytes));
  } catch (error) {
    if (error instanceof Problem) return ""; // removed by now
    throw error;
  }
}

async function describe(names: string[], repository: Repository): Promise<Result[]> {
  const score = { final: 0, detail: { quality: 0, popularity: 0, maintenance: 0 } };
  const results = await Promise.all(names.map((name) => readEntry(name, repository)));
  return results.flatMap((entry) => (entry ? [{ package: entry, score, searchScore: 0 }] : []));
}

async function readEntry(name: string, repository: Repository): Promise<Result["package"] | null> {
  try {
    const read = await repository.read(packumentRef(name), { variant: "search", base: "" });
    return parseJson(read.bytes) as Result["package"];
  } catch (error) {
    if (error instanceof Problem) return null; // claimed by now, or unpublished
    throw error;
  }
}
