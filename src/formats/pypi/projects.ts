// The upstream's list of all projects, which may have a million of them: read a part at a time, in either form. PEP 503, 691
import type { DocumentRef, Fact, Source } from "../../core/document.ts";
import { readJsonList } from "../../core/json-stream.ts";
import { Problem } from "../../core/problem.ts";
import { checkApiVersion, isObject, type Skip } from "./json.ts";
import { isName, normalizeName } from "./names.ts";
import { formOf } from "./page.ts";
import { type Token, tokens } from "./tokens.ts";

export interface Project {
  /** As the upstream spells it. */
  name: string;
  /** The public index's private `_last-serial`, by which mirrors tell what changed. */
  lastSerial: number | null;
}

export type ListPart =
  | { kind: "projects"; projects: Project[] }
  /** The `_last-serial` of the whole index. */
  | { kind: "lastSerial"; lastSerial: number };

/** Longest part of an HTML page between two ends of links. Characters. */
const PIECE_LIMIT = 1024 * 1024;

/** The list in its own order. Throws Problem("malformed") for anything else, at its end where its beginning does not tell. */
export async function* readProjects(
  source: Source,
  skip: Skip = () => {},
): AsyncGenerator<ListPart> {
  const form = await formOf(source);
  if (form === "{") yield* readJson(source, skip);
  else if (form === "<") yield* readHtml(source);
  else throw new Problem("malformed", "The list of projects is neither JSON nor HTML");
}

/** No facts: it names projects, and none of their files. What is no such list is told here. */
export async function projectsFacts(
  source: Source,
  _ref: DocumentRef,
  skip?: Skip,
): Promise<Fact[]> {
  for await (const _ of readProjects(source, skip));
  return [];
}

async function* readJson(source: Source, skip: Skip): AsyncGenerator<ListPart> {
  let isList = false;
  for await (const event of readJsonList(source.chunks(), "projects")) {
    if (event.kind === "open") isList = true;
    else if (event.kind === "items")
      yield { kind: "projects", projects: event.values.flatMap((value) => readEntry(value, skip)) };
    else if (event.key === "meta" && isObject(event.value)) {
      checkApiVersion(event.value["api-version"]);
      const lastSerial = serialOf(event.value);
      if (lastSerial !== null) yield { kind: "lastSerial", lastSerial };
    }
  }
  if (!isList) throw new Problem("malformed", "The JSON has no list of projects");
}

function readEntry(entry: unknown, skip: Skip): Project[] {
  const name = isObject(entry) ? entry["name"] : null;
  if (isObject(entry) && typeof name === "string" && isName(name))
    return [{ name, lastSerial: serialOf(entry) }];
  const what = typeof name === "string" && name !== "" ? name : "a project without a name";
  skip({ what, why: "It is no name of a project" });
  return [];
}

function serialOf(value: Record<string, unknown>): number | null {
  const serial = value["_last-serial"];
  return typeof serial === "number" && Number.isSafeInteger(serial) ? serial : null;
}

/** PEP 503: each anchor's text is a project's name, and it leads to the folder of that name. */
async function* readHtml(source: Source): AsyncGenerator<ListPart> {
  const seen = { names: 0, others: 0, isMarked: false, asksForPassword: false };
  let href: string | null = null;
  let text: string | null = null;
  for await (const piece of pieces(source.chunks())) {
    const projects: Project[] = [];
    for (const token of piece) {
      if (token.kind === "text") {
        if (text !== null && text.length < 500) text += token.text;
      } else if (token.kind === "start") {
        if (token.name === "a") href = token.attributes.get("href") ?? "";
        if (token.name === "a" || token.name === "title") text = "";
        if (token.name === "meta") seen.isMarked ||= readMeta(token.attributes);
        if (token.name === "input" && token.attributes.get("type")?.toLowerCase() === "password")
          seen.asksForPassword = true;
      } else if (text !== null && token.name === "title") {
        seen.isMarked ||= /^\s*simple index\b/i.test(text);
        text = null;
      } else if (text !== null && href !== null && token.name === "a") {
        const name = text.trim().replace(/\/$/, "");
        const folder = lastSegment(href);
        if (isName(name) && normalizeName(name) === normalizeName(folder)) {
          seen.names += 1;
          projects.push({ name, lastSerial: null });
        } else if (folder !== "" && folder !== "..") seen.others += 1; // file servers add links up, and to sort by
        href = text = null;
      }
    }
    yield { kind: "projects", projects };
  }
  const isList = seen.isMarked || (seen.names > 0 && seen.others === 0);
  if (!isList || seen.asksForPassword)
    throw new Problem("malformed", "The answer is an HTML page, but no list of projects");
}

/** Whether it says that this is an index. Throws Problem("malformed") for one of another version. */
function readMeta(attributes: Map<string, string>): boolean {
  const name = attributes.get("name")?.toLowerCase();
  if (name === "pypi:repository-version") checkApiVersion(attributes.get("content"));
  return name === "pypi:repository-version" || name === "api-version";
}

/** The name of the folder or file that a link leads to, as it is written. */
export function lastSegment(href: string): string {
  const path = href.split(/[?#]/, 1)[0]!.replace(/\/$/, "");
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The tokens of a page of any length, as many at a time as have come up to the end of a link. */
async function* pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Token[]> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    const end = Math.max(text.lastIndexOf("</a>"), text.lastIndexOf("</A>"));
    const whole = end < 0 ? null : tokensOf(text.slice(0, end + "</a>".length));
    if (whole) {
      yield whole;
      text = text.slice(end + "</a>".length);
    } else if (text.length > PIECE_LIMIT)
      throw new Problem("malformed", "The answer is an HTML page, but no list of projects");
  }
  yield [...tokens(text + decoder.decode())];
}

/** Null where the text ends in the middle of a comment, which holds the end of a link. */
function tokensOf(text: string): Token[] | null {
  try {
    return [...tokens(text)];
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}
