// The list of projects as clients see it: the upstream's, without private names, and with what only this server still has. PEP 503, 691
import { createClaims } from "../../core/claims.ts";
import type { StoredDocument, ViewRequest } from "../../core/document.ts";
import { escapeHtml } from "../../core/html.ts";
import { normalizeName } from "./names.ts";
import { type ListPart, type Project, readProjects } from "./projects.ts";
import { API_VERSION } from "./types.ts";

/** What the views `json` and `html` of the list depend on beside it. */
export interface ListData {
  /** Patterns of names that are not shown. */
  claims: readonly string[];
  /** Normalised names that are shown although the upstream does not list them. */
  unlisted: readonly string[];
}

/** `json`, `html`; and `unlisted`: those of the normalised names in its data that the upstream does not list, as JSON. */
export async function* renderProjects(
  { source }: StoredDocument,
  { variant, data }: ViewRequest,
): AsyncGenerator<string> {
  if (variant === "unlisted")
    yield JSON.stringify(await unlisted(readProjects(source), data as string[]));
  else yield* write(variant, shown(readProjects(source), data as ListData));
}

/** The list of names, and nothing else. */
export async function listOf(names: string[], form: "json" | "html"): Promise<string> {
  const projects = names.map((name) => ({ name, lastSerial: null }));
  async function* parts(): AsyncGenerator<ListPart> {
    yield { kind: "projects", projects };
  }
  let text = "";
  for await (const piece of write(form, parts())) text += piece;
  return text;
}

async function unlisted(parts: AsyncIterable<ListPart>, names: string[]): Promise<string[]> {
  const left = new Set(names);
  for await (const part of parts)
    if (part.kind === "projects")
      for (const { name } of part.projects) left.delete(normalizeName(name));
  return [...left];
}

async function* shown(parts: AsyncIterable<ListPart>, data: ListData): AsyncGenerator<ListPart> {
  const claims = createClaims(data.claims, normalizeName);
  const left = new Set(data.unlisted);
  const isPlain = data.claims.length === 0 && left.size === 0;
  for await (const part of parts) {
    if (part.kind !== "projects" || isPlain) {
      yield part;
      continue;
    }
    const projects = part.projects.filter(({ name }) => claims(name) === null);
    for (const { name } of projects) left.delete(normalizeName(name)); // listed since
    yield { kind: "projects", projects };
  }
  const projects = [...left].map((name) => ({ name, lastSerial: null }));
  if (projects.length) yield { kind: "projects", projects };
}

async function* write(form: string, parts: AsyncIterable<ListPart>): AsyncGenerator<string> {
  yield form === "json" ? '{"projects":[' : HTML_HEAD;
  const line = form === "json" ? jsonLine : htmlLine;
  let lastSerial: number | null = null;
  let separator = form === "json" ? "\n" : "";
  for await (const part of parts) {
    if (part.kind === "lastSerial") lastSerial = part.lastSerial;
    else if (part.projects.length) {
      yield separator + part.projects.map(line).join(form === "json" ? ",\n" : "");
      if (form === "json") separator = ",\n";
    }
  }
  yield form === "json" ? jsonEnd(lastSerial) : "</body>\n</html>\n";
}

/** Of the upstream it may stand behind the list. */
function jsonEnd(lastSerial: number | null): string {
  const meta = {
    "api-version": API_VERSION,
    ...(lastSerial !== null && { "_last-serial": lastSerial }),
  };
  return `\n],"meta":${JSON.stringify(meta)}}\n`;
}

function jsonLine({ name, lastSerial }: Project): string {
  const serial = lastSerial === null ? "" : `,"_last-serial":${lastSerial}`;
  return `{"name":${JSON.stringify(name)}${serial}}`;
}

function htmlLine({ name }: Project): string {
  return `<a href="${normalizeName(name)}/">${escapeHtml(name)}</a><br>\n`;
}

const HTML_HEAD = [
  '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n',
  `<meta name="pypi:repository-version" content="${API_VERSION}">\n`,
  "<title>Simple index</title>\n</head>\n<body>\n",
].join("");
