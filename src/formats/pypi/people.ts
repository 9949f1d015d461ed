// What people are told of a distribution: what is inside of it, and how it is installed. PEP 427, 517, 566
import type { Snippet } from "../../core/format.ts";
import type { InsideDependency } from "../../core/inside.ts";
import type { Task } from "../../core/task.ts";
import { isReadme, readContents } from "../../inside/archive.ts";
import { insideOf, textOf, webOf } from "../../inside/parts.ts";

export const looksInto = /\.(whl|tar\.gz|zip)$/;

/** Of a wheel, and of a source distribution. */
export const METADATA = /^(?:[^/]+\.dist-info\/METADATA|[^/]+\/PKG-INFO)$/;
const COMMANDS = /^[^/]+\.dist-info\/entry_points\.txt$/;

export const insideTask: Task = async ({ files: [file] }) => {
  const contents = await readContents(
    file!,
    "distribution.tar",
    (path) => METADATA.test(path) || COMMANDS.test(path) || isReadme(path),
  );
  const find = (pattern: RegExp) => [...contents.texts].find(([path]) => pattern.test(path))?.[1];
  const { fields, body } = readHeaders(find(METADATA) ?? "");
  const first = (name: string) => fields.get(name)?.[0];
  const description = body || (first("description") ?? "").replace(/\n {7}\|?/g, "\n");
  const isMarkdown = /^text\/markdown\b/i.test(first("description-content-type") ?? "");
  const pages = (fields.get("project-url") ?? []).map((one) => one.split(/,\s*/, 2)[1]);
  return insideOf(
    contents,
    {
      description: textOf(first("summary")),
      licence: textOf(first("license-expression") ?? first("license")?.split("\n", 1)[0]),
      homepage: webOf(first("home-page")) ?? webOf(pages[0]),
      dependencies: (fields.get("requires-dist") ?? []).map(dependencyOf),
      scripts: commandsIn(find(COMMANDS) ?? ""),
    },
    description.trim() === ""
      ? null
      : { text: description, kind: isMarkdown ? "markdown" : "plain" },
  );
};

/** What core metadata says, of every kind. */
export function neededBy(metadata: string): InsideDependency[] {
  return (readHeaders(metadata).fields.get("requires-dist") ?? []).map(dependencyOf);
}

/** The headers, and what stands behind the empty line. Of what is none nothing is told. */
function readHeaders(text: string): { fields: Map<string, string[]>; body: string } {
  const lines = text.replaceAll("\r\n", "\n");
  const end = lines.indexOf("\n\n");
  const [head, body] = end < 0 ? [lines, ""] : [lines.slice(0, end), lines.slice(end + 2)];
  const fields = new Map<string, string[]>();
  for (const [, name, value] of head.matchAll(/^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm)) {
    const key = name!.toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), value!.trim()]);
  }
  return { fields, body };
}

/** `requests[socks]>=2,<3; extra == "web"`. PEP 508 */
function dependencyOf(text: string): InsideDependency {
  const [what = "", marker = ""] = text.split(";", 2);
  const [, name = what, range = ""] = /^\s*([\w.-]+(?:\[[^\]]*\])?)\s*(.*)$/.exec(what) ?? [];
  const extra = /extra\s*==\s*['"]([\w.-]+)['"]/.exec(marker)?.[1];
  const kind = extra ? `extra ${extra}` : marker.trim();
  return {
    name: name.slice(0, 200),
    range: range
      .trim()
      .replace(/^\((.*)\)$/, "$1")
      .slice(0, 200),
    kind,
  };
}

/** https://packaging.python.org/en/latest/specifications/entry-points/ */
function commandsIn(text: string): Record<string, string> {
  const section = /^\[(?:console|gui)_scripts\]\s*\n((?:(?!\[).*\n?)*)/gm;
  const lines = [...text.matchAll(section)].flatMap(([, body]) => body!.split("\n"));
  const pairs = lines.flatMap((line) => {
    const at = line.indexOf("=");
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const] : [];
  });
  return Object.fromEntries(pairs.slice(0, 200));
}

export function installSnippets(url: string, name: string, version: string | null): Snippet[] {
  const what = version === null ? name : `${name}==${version}`;
  const index = `${url}/simple/`;
  return [
    { client: "pip", file: "shell", text: `pip install --index-url ${index} '${what}'` },
    { client: "uv", file: "shell", text: `uv pip install --default-index ${index} '${what}'` },
    { client: "poetry", file: "shell", text: `poetry add '${what}'` },
    { client: "requirements.txt", file: "requirements.txt", text: `--index-url ${index}\n${what}` },
  ];
}
