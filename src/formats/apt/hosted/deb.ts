// What a binary package says of itself, read from the package. deb(5)
import { memberOf, readAr } from "../../../archive/ar.ts";
import { decompressed } from "../../../archive/decompress.ts";
import { piecesOf } from "../../../archive/pieces.ts";
import { readTar, tarLimits } from "../../../archive/tar.ts";
import type { RandomAccess } from "../../../core/artifact.ts";
import { Problem } from "../../../core/problem.ts";
import { bad, fieldOf, isPackageName, needed, type Paragraph, readParagraph } from "./control.ts";
import { isVersion } from "./version.ts";

/** control.tar holds scripts as well. Bytes, uncompressed. */
const CONTROL_LIMIT = 16 * 2 ** 20;
const PARAGRAPH_LIMIT = 1024 * 1024;
const MEMBER = /^(control|data)\.tar(?:\.(?:gz|xz|zst|bz2|lzma))?$/;

export interface Deb {
  package: string;
  version: string;
  architecture: string;
  /** The source package that it was built of. */
  source: string;
  fields: Paragraph;
}

/** Reads no more than it must. Throws Problem("badRequest") for what is no binary package, or one that no client could use. */
export async function readDeb(file: RandomAccess, what: string): Promise<Deb> {
  try {
    const { control } = await membersOf(file, what);
    return checked(await paragraphOf(control, what), what);
  } catch (error) {
    // Of what an upstream gave it is the upstream's fault; here it is the client's.
    if (error instanceof Problem && error.kind === "malformed") throw bad(what, error.message);
    throw error;
  }
}

interface Member {
  name: string;
  file: RandomAccess;
}

/** The first member is the format's version; then control and data, in that order, with others between them whose names begin with "_". */
async function membersOf(
  file: RandomAccess,
  what: string,
): Promise<{ control: Member; data: Member }> {
  const [first, ...rest] = await readAr(file);
  if (first?.name !== "debian-binary") throw bad(what, "it is no Debian package");
  const version = Buffer.from(await memberOf(file, first).read(0, 16)).toString("latin1");
  if (!/^2\.\d+\n/.test(version)) throw bad(what, "it is of a format that is not 2");
  const [control, data] = rest.filter(({ name }) => !name.startsWith("_"));
  const [, isControl] = MEMBER.exec(control?.name ?? "") ?? [];
  const [, isData] = MEMBER.exec(data?.name ?? "") ?? [];
  if (!control || !data || isControl !== "control" || isData !== "data")
    throw bad(what, "it does not have control.tar and data.tar, one after the other");
  const member = (one: typeof control) => ({ name: one.name, file: memberOf(file, one) });
  return { control: member(control), data: member(data) };
}

async function paragraphOf({ name, file }: Member, what: string): Promise<Paragraph> {
  let found: Uint8Array | null = null;
  const plain = decompressed(name, piecesOf(file), CONTROL_LIMIT);
  for await (const entry of readTar(plain, { ...tarLimits, entries: 10_000 })) {
    if (entry.name.replace(/^\.\//, "") !== "control") continue;
    if (found) throw bad(what, "it has control twice");
    if (entry.type !== "file" || entry.size > PARAGRAPH_LIMIT)
      throw bad(what, "its control is none");
    const parts: Uint8Array[] = [];
    for await (const chunk of entry.chunks()) parts.push(Buffer.from(chunk));
    found = Buffer.concat(parts);
  }
  if (!found) throw bad(what, "it has no control");
  return readParagraph(utf8Of(found, what), what);
}

function utf8Of(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw bad(what, "its control is not UTF-8");
  }
}

function checked(fields: Paragraph, what: string): Deb {
  const name = needed(fields, "Package", what);
  const version = needed(fields, "Version", what);
  const architecture = needed(fields, "Architecture", what);
  needed(fields, "Maintainer", what);
  needed(fields, "Description", what);
  if (!isPackageName(name)) throw bad(what, `its Package is ${JSON.stringify(name.slice(0, 80))}`);
  if (!isVersion(version))
    throw bad(what, `its Version is ${JSON.stringify(version.slice(0, 80))}`);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(architecture) || architecture.length > 40)
    throw bad(what, `its Architecture is ${JSON.stringify(architecture.slice(0, 80))}`);
  // "hello (2.10-3)" where the versions differ.
  const source = (fieldOf(fields, "Source") ?? name).replace(/\s*\(.*\)$/, "");
  if (!isPackageName(source))
    throw bad(what, `its Source is ${JSON.stringify(source.slice(0, 80))}`);
  return { package: name, version, architecture, source, fields };
}

/** So many paths of one package, and no longer ones, go into Contents. */
const PATHS = 200_000;
const PATH = 4096;

/** The files of a package, as Contents names them: without the dot at the beginning, and without folders. */
export async function pathsOf(file: RandomAccess, what: string): Promise<string[]> {
  const { data } = await membersOf(file, what);
  const paths: string[] = [];
  const plain = decompressed(data.name, piecesOf(data.file), Number.MAX_SAFE_INTEGER);
  for await (const { name, type } of readTar(plain, { ...tarLimits, entries: 1_000_000 })) {
    const path = name.replace(/^(?:\.?\/)+/, "");
    if (type === "directory" || path === "" || path.length > PATH || /[\n\r\0]/.test(path))
      continue;
    paths.push(path);
    if (paths.length === PATHS) break;
  }
  return paths;
}
