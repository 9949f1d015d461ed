// Renders a project page for clients, as JSON (PEP 691) or HTML (PEP 503), with every URL pointing here.
import type { StoredDocument, ViewRequest } from "../../core/document.ts";
import { escapeHtml } from "../../core/html.ts";
import { Problem } from "../../core/problem.ts";
import { fileJson } from "./json.ts";
import { versionOfFile } from "./names.ts";
import { shownPage } from "./overlay.ts";
import { projectPage } from "./page.ts";
import { API_VERSION, type ProjectFile, type ProjectPage } from "./types.ts";

/** The views of a project page. The URLs of files are relative, so each depth of path has its own; PEP 740 wants whole ones. */
export const PAGE_VARIANTS = [
  "json",
  "html",
  "json-devpi",
  "html-devpi",
  "json-legacy",
  "html-legacy",
] as const;
export type PageVariant = (typeof PAGE_VARIANTS)[number];

/** The view that holds only where the upstream has one file's provenance: `{"provenance": "https://…"}` or null. */
export const provenanceVariant = (file: string) => `provenance/${file}`;

const CHUNK = 64 * 1024;

/** Few large pieces instead of one for each line. */
function* inChunks(lines: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk) yield chunk;
}

interface Links {
  file(file: ProjectFile): string;
  provenance(file: ProjectFile): string | null;
}

function linksOf(project: string, view: ViewRequest): Links {
  // From /simple/six/, /root/pypi/+simple/six/ or /legacy/+simple/six/, to /files/six/.
  const depth = { devpi: 4, legacy: 3 }[view.variant.split("-")[1] ?? ""] ?? 2;
  const files = `${"../".repeat(depth)}files/${project}/`;
  return {
    file: ({ filename }) => files + encodeURIComponent(filename),
    provenance: ({ filename, provenance }) => {
      const version = versionOfFile(filename, project);
      if (provenance === null || version === "") return null;
      return `${view.base}${provenancePath(project, version, filename)}`;
    },
  };
}

/** Where a file's provenance is, below a repository's URL here and below the public index's there. */
export function provenancePath(project: string, version: string, file: string): string {
  return `/integrity/${project}/${encodeURIComponent(version)}/${encodeURIComponent(file)}/provenance`;
}

type ShownPage = ProjectPage & { versions: string[] };

function* jsonLines(page: ShownPage, links: Links): Generator<string> {
  const head = {
    meta: {
      "api-version": API_VERSION,
      ...(page.lastSerial !== null && { "_last-serial": page.lastSerial }),
    },
    name: page.name,
    versions: page.versions,
    ...(page.status && {
      "project-status": {
        status: page.status.status,
        ...(page.status.reason !== null && { reason: page.status.reason }),
      },
    }),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"files":[`;
  let separator = "\n";
  for (const file of page.files) {
    yield separator + JSON.stringify(fileJson(file, links.file(file), links.provenance(file)));
    separator = ",\n";
  }
  yield "\n]}\n";
}

const attribute = (name: string, value: string) => ` ${name}="${escapeHtml(value)}"`;

// PEP 503: one hash in the fragment, "sha256" recommended.
const FRAGMENT = ["sha256", "sha512", "sha384", "sha224", "sha1", "md5"];

function hashOf(hashes: Record<string, string>): string | null {
  const algorithm = FRAGMENT.find((name) => Object.hasOwn(hashes, name));
  return algorithm === undefined ? null : `${algorithm}=${hashes[algorithm]}`;
}

function anchor(file: ProjectFile, links: Links): string {
  const hash = hashOf(file.hashes);
  const provenance = links.provenance(file);
  let text = `<a${attribute("href", links.file(file) + (hash === null ? "" : `#${hash}`))}`;
  if (file.requiresPython !== null) text += attribute("data-requires-python", file.requiresPython);
  if (file.yanked !== false)
    text += attribute("data-yanked", file.yanked === true ? "" : file.yanked);
  if (file.coreMetadata) {
    const value = file.coreMetadata === true ? "true" : (hashOf(file.coreMetadata) ?? "true");
    // PEP 714: clients look for either name.
    text += attribute("data-core-metadata", value) + attribute("data-dist-info-metadata", value);
  }
  if (file.gpgSig !== null) text += attribute("data-gpg-sig", String(file.gpgSig));
  if (provenance !== null) text += attribute("data-provenance", provenance);
  if (file.size !== null) text += attribute("data-size", String(file.size));
  if (file.uploadTime !== null) text += attribute("data-upload-time", file.uploadTime);
  return `${text}>${escapeHtml(file.filename)}</a><br>\n`;
}

function* htmlLines(page: ShownPage, links: Links): Generator<string> {
  const meta = (name: string, content: string) =>
    `<meta${attribute("name", name)}${attribute("content", content)}>\n`;
  yield '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n';
  yield meta("pypi:repository-version", API_VERSION);
  if (page.status) {
    yield meta("pypi:project-status", page.status.status);
    if (page.status.reason !== null) yield meta("pypi:project-status-reason", page.status.reason);
  }
  const title = `Links for ${escapeHtml(page.name)}`;
  yield `<title>${title}</title>\n</head>\n<body>\n<h1>${title}</h1>\n`;
  for (const file of page.files) yield anchor(file, links);
  yield "</body>\n</html>\n";
}

/** One view of a stored project page. Throws Problem("notFound") when a file asked for is not on it. */
export async function* renderProject(
  document: StoredDocument,
  view: ViewRequest,
): AsyncGenerator<string> {
  const project = document.ref.key;
  const stored = await projectPage(document.source, document.ref);
  // What is held may be here, and be asked for by its lock file: its provenance is.
  const isWhole = view.variant.startsWith("provenance/");
  const page = shownPage(
    stored,
    document.overlay,
    (file) => versionOfFile(file, project),
    isWhole ? undefined : document.withheld,
  );
  const links = linksOf(project, view);
  if (view.variant.startsWith("provenance/")) {
    const name = view.variant.slice("provenance/".length);
    const file = page.files.find(({ filename }) => filename === name);
    if (!file) throw new Problem("notFound", `${project} has no file ${name}`);
    yield JSON.stringify({ provenance: file.provenance });
  } else if (view.variant.startsWith("json")) yield* inChunks(jsonLines(page, links));
  else yield* inChunks(htmlLines(page, links));
}
