// A stored project page, whichever form the upstream gave it in, as the typed model; and what it says of each file.
import type { DocumentRef, Fact, Skipped, Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { readProjectHtml } from "./html.ts";
import { fileJson, integrityOf, isObject, readFile, readProjectJson, type Skip } from "./json.ts";
import { versionOfFile } from "./names.ts";
import { besides, pageOf } from "./resolve.ts";
import type { ProjectFile, ProjectPage } from "./types.ts";

/** "{", "<" or "" by the first byte that is no white space: a Source knows no content type. */
export async function formOf(source: Source): Promise<string> {
  for await (const chunk of source.chunks()) {
    const text = Buffer.from(chunk.subarray(0, 4096)).toString("latin1");
    const first = text.replace(/^\u00ef\u00bb\u00bf/, "").trimStart()[0];
    if (first !== undefined) return first;
  }
  return "";
}

/** A page, and what of it cannot be used. */
interface Read {
  page: ProjectPage;
  skipped: Skipped[];
}

async function parse(source: Source, ref: DocumentRef): Promise<Read> {
  const skipped: Skipped[] = [];
  const page = await read(source, ref, (entry) => skipped.push(entry));
  return { page, skipped };
}

async function read(source: Source, ref: DocumentRef, skip: Skip): Promise<ProjectPage> {
  const form = await formOf(source);
  if (form === "{") return readProjectJson(await source.json(), ref.key, pageOf(ref), skip);
  if (form === "<") return readProjectHtml(await source.text(), ref.key, pageOf(ref), skip);
  throw new Problem("malformed", `The answer for ${ref.key} is neither JSON nor HTML`);
}

// A source belongs to one document, and its facts, entries and views all need the same model.
const parsed = new WeakMap<Source, Promise<Read>>();

function parseOnce(source: Source, ref: DocumentRef): Promise<Read> {
  let made = parsed.get(source);
  if (!made) {
    made = parse(source, ref);
    parsed.set(source, made);
  }
  return made;
}

/** The model of a stored page, parsed once. Throws Problem("malformed") when the bytes are no project page. */
export async function projectPage(source: Source, ref: DocumentRef): Promise<ProjectPage> {
  return (await parseOnce(source, ref)).page;
}

function factsOf(file: ProjectFile, project: string): Fact[] {
  const version = versionOfFile(file.filename, project);
  const { uploadTime } = file;
  const fact = (suffix: string, integrity: string | null): Fact => ({
    file: file.filename + suffix,
    version,
    integrity,
    location: besides(file.location, suffix),
    ...(suffix === "" && uploadTime !== null && { publishedAt: uploadTime }),
    ...(suffix === "" && { traits: file.provenance === null ? {} : { attested: true } }),
  });
  const facts = [fact("", integrityOf(file.hashes))];
  const metadata = file.coreMetadata;
  if (metadata) facts.push(fact(".metadata", metadata === true ? null : integrityOf(metadata)));
  if (file.gpgSig) facts.push(fact(".asc", null));
  return facts;
}

/** One fact for each file, and one for each sidecar that the page promises. */
export async function projectFacts(
  source: Source,
  ref: DocumentRef,
  skip: Skip = () => {},
): Promise<Fact[]> {
  const { page, skipped } = await parseOnce(source, ref);
  for (const entry of skipped) skip(entry);
  return page.files.flatMap((file) => factsOf(file, page.name));
}

/** The entries of some files in the JSON form of PEP 691; what a sidecar is asked for by is its file's entry. */
export async function projectEntries(
  source: Source,
  ref: DocumentRef,
  files: ReadonlySet<string>,
): Promise<Record<string, unknown>> {
  const page = await projectPage(source, ref);
  return Object.fromEntries(
    page.files
      .filter(({ filename }) => files.has(filename))
      .map((file) => [file.filename, fileJson(file, file.location, file.provenance)]),
  );
}

/** An entry that `projectEntries` took, read again; null when it is none. */
export function readEntry(entry: unknown): ProjectFile | null {
  if (!isObject(entry)) return null;
  try {
    return readFile(entry, "");
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}
