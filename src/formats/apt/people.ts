// What people are told of a Debian package: what is inside of it, and how it is installed. deb-control(5)
import type { Snippet } from "../../core/format.ts";
import type { InsideDependency } from "../../core/inside.ts";
import type { Task } from "../../core/task.ts";
import { readDebContents } from "../../inside/archive.ts";
import { insideOf, textOf, webOf } from "../../inside/parts.ts";

export const looksInto = /\.u?deb$/;

/** What dpkg runs. */
const SCRIPTS = ["preinst", "postinst", "prerm", "postrm"];
const NEEDED: [field: string, kind: string][] = [
  ["pre-depends", "before"],
  ["depends", ""],
  ["recommends", "recommended"],
  ["suggests", "suggested"],
];

export const insideTask: Task = async ({ files: [file] }) => {
  const contents = await readDebContents(file!);
  const fields = fieldsOf(contents.texts.get("control/control") ?? "");
  const [short = "", ...long] = (fields.get("description") ?? "").split("\n");
  const scripts = SCRIPTS.flatMap((name) => {
    const text = contents.texts.get(`control/${name}`);
    return text === undefined ? [] : [[name, text.slice(0, 2_000)] as const];
  });
  // A line of a dot alone is an empty one.
  const text = long.map((line) => line.replace(/^ /, "").replace(/^\.$/, "")).join("\n");
  return insideOf(
    contents,
    {
      description: textOf(short),
      homepage: webOf(fields.get("homepage")),
      dependencies: neededBy(fields),
      scripts: Object.fromEntries(scripts),
    },
    text.trim() === "" ? null : { text, kind: "plain" },
  );
};

/** What a control file says, of every kind. */
export function neededBy(fields: ReadonlyMap<string, string>): InsideDependency[] {
  return NEEDED.flatMap(([field, kind]) =>
    (fields.get(field) ?? "").split(",").flatMap((one) => dependencyOf(one, kind)),
  );
}

export function fieldsOf(text: string): Map<string, string> {
  const fields = text.matchAll(/^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm);
  return new Map([...fields].map(([, name, value]) => [name!.toLowerCase(), value!]));
}

/** `libc6 (>= 2.36) | musl`: of several that will do all are told as one. */
function dependencyOf(text: string, kind: string): InsideDependency[] {
  if (text.includes("|"))
    return [{ name: text.replace(/\s+/g, " ").trim().slice(0, 200), range: "", kind }];
  const [, name, range = ""] = /^\s*(\S+?)\s*(?:\(([^)]*)\))?\s*$/.exec(text) ?? [];
  return name ? [{ name: name.slice(0, 200), range: range.trim(), kind }] : [];
}

export function installSnippets(_url: string, name: string, version: string | null): Snippet[] {
  const what = version === null ? name : `${name}=${version}`;
  return [{ client: "apt", file: "shell", text: `sudo apt-get install ${what}` }];
}
