// Reads the HTML form of a project page. PEP 503, 592, 629, 658/714, 740, 792
import { Problem } from "../../core/problem.ts";
import {
  checkApiVersion,
  metadataHashes,
  readEach,
  readHashes,
  type Skip,
  uniqueFiles,
} from "./json.ts";
import { belongsTo, isDistribution, isName, normalizeName } from "./names.ts";
import { resolveLocation } from "./resolve.ts";
import { tokens } from "./tokens.ts";
import type { Hashes, ProjectFile, ProjectPage } from "./types.ts";

type Attributes = Map<string, string>;

const HASH = /(?:^|&)(md5|sha1|sha224|sha256|sha384|sha512)=([^&]*)/;

function fragmentHashes(href: string, file: string): Hashes {
  const hash = href.indexOf("#");
  const match = hash < 0 ? null : HASH.exec(href.slice(hash + 1));
  return match ? readHashes({ [match[1]!]: match[2] }, file) : {};
}

/** The last path segment of a link, decoded: PEP 503 wants it to be the file's name. */
function fileNameOf(href: string): string | null {
  const path = href.split(/[?#]/, 1)[0]!;
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  } catch {
    return null;
  }
}

function coreMetadata(attributes: Attributes, file: string): ProjectFile["coreMetadata"] {
  const value = attributes.get("data-core-metadata") ?? attributes.get("data-dist-info-metadata");
  if (value === undefined) return null;
  if (value === "true" || value === "") return true;
  const match = HASH.exec(value);
  return match ? metadataHashes({ [match[1]!]: match[2] }, file) : false;
}

function gpgSig(attributes: Attributes): boolean | null {
  const value = attributes.get("data-gpg-sig");
  return value === undefined ? null : value === "true";
}

function sizeOf(attributes: Attributes): number | null {
  const value = attributes.get("data-size") ?? "";
  return /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** The file that an anchor leads to; null for any other link. Throws Problem("malformed") for one that cannot be used. */
function readAnchor(attributes: Attributes, page: string, base: string | null): ProjectFile | null {
  const href = attributes.get("href")?.trim();
  const filename = href ? fileNameOf(href) : null;
  if (!href || filename === null || !isDistribution(filename)) return null;
  const location = resolveLocation(href, page, base);
  if (location === null) throw new Problem("malformed", `The URL of ${filename} cannot be fetched`);
  const provenance = attributes.get("data-provenance");
  return {
    filename,
    location,
    hashes: fragmentHashes(href, filename),
    requiresPython: attributes.get("data-requires-python") ?? null,
    // Neither stands in a PEP, but uv reads both, and some indexes write them.
    size: sizeOf(attributes),
    uploadTime: attributes.get("data-upload-time") || null,
    yanked: attributes.has("data-yanked") ? attributes.get("data-yanked") || true : false,
    coreMetadata: coreMetadata(attributes, filename),
    gpgSig: gpgSig(attributes),
    provenance: provenance === undefined ? null : resolveLocation(provenance, page, base),
  };
}

interface Anchor {
  /** Of the link. */
  filename: string;
  attributes: Attributes;
  base: string | null;
}

interface Seen {
  anchors: Anchor[];
  meta: Map<string, string>;
  headings: string[];
  asksForPassword: boolean;
}

function readTokens(html: string): Seen {
  const seen: Seen = { anchors: [], meta: new Map(), headings: [], asksForPassword: false };
  let base: string | null = null;
  let heading: string | null = null;
  for (const token of tokens(html)) {
    if (token.kind === "text") {
      if (heading !== null && heading.length < 500) heading += token.text;
    } else if (token.kind === "end") {
      if (heading !== null && (token.name === "title" || token.name === "h1")) {
        seen.headings.push(heading.trim());
        heading = null;
      }
    } else if (token.name === "a") {
      seen.anchors.push({
        filename: token.attributes.get("href") ?? "",
        attributes: token.attributes,
        base,
      });
    } else if (token.name === "meta") {
      const name = token.attributes.get("name")?.toLowerCase();
      if (name) seen.meta.set(name, token.attributes.get("content") ?? "");
    } else if (token.name === "base") {
      base ??= token.attributes.get("href") ?? null;
    } else if (token.name === "input") {
      if (token.attributes.get("type")?.toLowerCase() === "password") seen.asksForPassword = true;
    } else if (token.name === "title" || token.name === "h1") heading = "";
  }
  return seen;
}

/** "Links for six", "root/pypi: links for six", "Index of /simple/six/": what generators head an empty page with. */
function isHeadingOf(heading: string, project: string): boolean {
  const start = /(?:links for|index of) /i.exec(heading);
  if (!start) return false;
  const name = heading
    .slice(start.index + start[0].length)
    .split("/")
    .filter(Boolean)
    .at(-1);
  return name !== undefined && isName(name.trim()) && normalizeName(name.trim()) === project;
}

/**
 * A captive portal and a login page are HTML too, and taking one for an empty project would lose every file. So a page must show
 * what it is: by the meta tag of PEP 629 (or the older `api-version`), by a link to a file named for the project, or by a heading
 * that names the project as index generators do. A page that asks for a password is never one.
 */
function isProjectPage(seen: Seen, files: ProjectFile[], project: string): boolean {
  if (seen.asksForPassword) return false;
  return (
    seen.meta.has("pypi:repository-version") ||
    seen.meta.has("api-version") ||
    files.some(({ filename }) => belongsTo(filename, project)) ||
    seen.headings.some((heading) => isHeadingOf(heading, project))
  );
}

/** The page of `project`; `page`: see resolveLocation. Throws Problem("malformed") for any other page. */
export function readProjectHtml(
  html: string,
  project: string,
  page: string,
  skip: Skip = () => {},
): ProjectPage {
  const seen = readTokens(html);
  const files = readEach(
    seen.anchors,
    ({ attributes, base }) => readAnchor(attributes, page, base),
    skip,
  );
  if (!isProjectPage(seen, files, project))
    throw new Problem("malformed", `The answer is an HTML page, but not the page of ${project}`);
  checkApiVersion(seen.meta.get("pypi:repository-version"));
  const status = seen.meta.get("pypi:project-status");
  const reason = seen.meta.get("pypi:project-status-reason") ?? null;
  return {
    name: project,
    versions: null,
    files: uniqueFiles(files),
    status: status ? { status, reason } : null,
    lastSerial: null,
  };
}
