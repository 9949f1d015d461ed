// Core metadata, as it stands in a distribution. https://packaging.python.org/en/latest/specifications/core-metadata/
import { Problem } from "../../core/problem.ts";
import { isName } from "./names.ts";
import { isVersion } from "./versions.ts";

export interface CoreMetadata {
  name: string;
  version: string;
  requiresPython: string | null;
  /** All fields by their names in lower case, in the order of the file. */
  fields: ReadonlyMap<string, readonly string[]>;
}

/** 2.0 was never accepted. PEP 241, 314, 345, 566, 643, 685, 639, 794 */
const VERSIONS = ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"];
/** Readers that meet one of these twice take the first, or the last. */
const ONCE = ["metadata-version", "name", "version", "requires-python", "summary"];
const LONGEST = 1_000;

function bad(file: string, reason: string): Problem {
  return new Problem("badRequest", `The metadata in ${file} cannot be used: ${reason}`);
}

/** `file`: what it stands in, for people. Throws Problem("badRequest"). */
export function readCoreMetadata(bytes: Uint8Array, file: string): CoreMetadata {
  const fields = readFields(textOf(bytes, file), file);
  const one = (field: string) => fields.get(field)?.[0]?.trim() ?? "";
  for (const field of ONCE)
    if ((fields.get(field)?.length ?? 0) > 1) throw bad(file, `it has ${field} twice`);
  const form = one("metadata-version");
  if (!VERSIONS.includes(form))
    throw bad(
      file,
      `its Metadata-Version is ${form.slice(0, 20) || "missing"}, and not 1.0 to 2.5`,
    );
  const [name, version, requiresPython] = [one("name"), one("version"), one("requires-python")];
  if (!isName(name)) throw bad(file, "it names no project");
  if (!isVersion(version)) throw bad(file, `${version.slice(0, 40) || "nothing"} is no version`);
  if (requiresPython.length > LONGEST || /\p{Cc}/u.test(requiresPython))
    throw bad(file, "its Requires-Python is none");
  return { name, version, requiresPython: requiresPython || null, fields };
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw bad(file, "it is not UTF-8");
  }
}

/** The lines up to the empty one, behind which the description may stand. */
function readFields(text: string, file: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  let last: string[] | null = null;
  for (const line of lines(text)) {
    if (line === "") break;
    const isMore = /^[ \t]/.test(line);
    const at = line.indexOf(":");
    if (isMore && last) last[last.length - 1] += `\n${line}`;
    else if (isMore || at < 1) throw bad(file, "a line of it is no field");
    else {
      const name = line.slice(0, at).trim().toLowerCase();
      last = fields.get(name) ?? [];
      last.push(line.slice(at + 1).trim());
      fields.set(name, last);
    }
  }
  return fields;
}

/** Without an array of all: a description may be long. */
function* lines(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const line = end < 0 ? text.slice(at) : text.slice(at, end);
    yield line.endsWith("\r") ? line.slice(0, -1) : line;
    at = end < 0 ? text.length : end + 1;
  }
}
