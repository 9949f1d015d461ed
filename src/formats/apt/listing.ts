// Folders as pages for people with a browser, in the plain form that web servers give them.

import { escapeHtml } from "../../core/html.ts";
import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import { type FolderEntry, listFolder } from "./files.ts";
import { currentRelease, knownSuites } from "./generations.ts";
import { isDiff } from "./index-names.ts";
import type { AptRepository } from "./memory.ts";
import { fileLookups, namesOf, useLookup } from "./open-lookups.ts";
import { namesIn, namesInFolder } from "./private-names.ts";
import type { Release } from "./release.ts";
import { inFolder, under } from "./routes.ts";

/** Most names on one page. */
const LIMIT = 20_000;
const WIDTH = 51;

/** A folder's name ends with a slash. `size` in bytes; null for folders and where it is not known. */
export interface Entry {
  name: string;
  size: number | null;
}

/**
 * What stands in a folder, as far as it is known here: what the releases in service name, and what the indices that were fetched do. Throws
 * Problem("notFound") for a folder that holds nothing.
 */
export async function serveListing(
  repository: AptRepository,
  folder: string,
  base: string,
): Promise<Reply> {
  const entries = await entriesOf(repository, folder);
  if (entries.length === 0 && folder !== ".")
    throw new Problem(
      "notFound",
      "Nothing is known here of this folder: folders list what the fetched indices name",
    );
  return reply(200, "text/html; charset=utf-8", page(new URL(base).pathname, folder, entries), {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
  });
}

/** Folders first, then by name. */
export async function entriesOf(repository: AptRepository, folder: string): Promise<Entry[]> {
  const found = new Map<string, Entry>();
  // A folder's name ends in a slash here.
  const isPrivate = (path: string) =>
    !repository.suites &&
    (path.endsWith("/") ? namesInFolder(path.slice(0, -1)) : namesIn(path)).some((name) =>
      repository.claims(name),
    );
  const add = (path: string, size: number | null) => {
    if (isPrivate(path)) return;
    const rest = under(folder, path);
    if (!rest) return;
    const slash = rest.indexOf("/");
    const name = slash < 0 ? rest : rest.slice(0, slash + 1);
    if (!found.has(name)) found.set(name, { name, size: slash < 0 ? size : null });
  };
  const hasKey = repository.options.keyring !== undefined || repository.suites !== null;
  if (hasKey && (folder === "." || folder === "-")) add("-/key.asc", null);
  if (folder === "-") return [...found.values()];
  for (const suite of await knownSuites(repository)) await addSuite(repository, suite, folder, add);
  // Of what is published here the catalog knows all.
  if (repository.suites)
    for (const { file, size } of await repository.stored())
      if (file.startsWith("pool/")) add(file, size);
  for await (const lookup of fileLookups(repository, "current")) {
    for (const prefix of folder === "." ? [""] : namesOf(lookup.suite, folder)) {
      const rows = await useLookup(repository, lookup, (file) =>
        listFolder(file, prefix, LIMIT),
      ).catch(nothing);
      for (const { name, isFolder, entry } of rows)
        if (!entry || !repository.claims(entry.package))
          add(inFolder(folder, isFolder ? `${name}/` : name), entry?.size ?? null);
    }
  }
  return [...found.values()].slice(0, LIMIT).sort(byKindAndName);
}

/** An index that cannot be read hides nothing that others name. */
function nothing(error: unknown): FolderEntry[] {
  if (error instanceof Problem) return [];
  throw error;
}

type Add = (path: string, size: number | null) => void;

async function addSuite(repository: AptRepository, suite: string, folder: string, add: Add) {
  const isAbove = folder === "." || `${suite}/`.startsWith(`${folder}/`);
  if (!isAbove && suite !== "." && under(suite, folder) === null) return;
  const { kind, generation } = await currentRelease(repository, suite, "stored");
  if (kind === "inrelease") add(inFolder(suite, "InRelease"), null);
  add(inFolder(suite, "Release"), null);
  for (const [path, size] of listed(generation.release)) add(inFolder(suite, path), size);
}

const listed = memo((release: Release) =>
  [...release.files]
    .filter(([path]) => !isDiff(path))
    .map(([path, { size }]) => [path, size] as const),
);

function byKindAndName(a: Entry, b: Entry): number {
  const kinds = Number(b.name.endsWith("/")) - Number(a.name.endsWith("/"));
  return kinds || (a.name < b.name ? -1 : 1);
}

function page(root: string, folder: string, entries: Entry[]): string {
  const at = `${root.replace(/\/$/, "")}/${folder === "." ? "" : `${folder}/`}`;
  const title = escapeHtml(`Index of ${at}`);
  const lines = entries.map(({ name, size }) => {
    const shown = name.length > WIDTH - 1 ? `${name.slice(0, WIDTH - 4)}..>` : name;
    const link = `<a href="${escapeHtml(encode(name))}">${escapeHtml(shown)}</a>`;
    return `${link}${" ".repeat(WIDTH - shown.length)}${String(size ?? "-").padStart(12)}`;
  });
  if (folder !== ".") lines.unshift('<a href="../">../</a>');
  return [
    "<!DOCTYPE html>",
    // A client may ask for the root without the slash at its end.
    `<html>\n<head><base href="${escapeHtml(encode(at))}"><title>${title}</title></head>`,
    `<body>\n<h1>${title}</h1><hr><pre>${lines.join("\n")}`,
    "</pre><hr></body>\n</html>\n",
  ].join("\n");
}

function encode(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
