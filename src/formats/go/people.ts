// What people are told of a module: what is inside of its zip, and how it is had. https://go.dev/ref/mod#zip-files
import type { Snippet } from "../../core/format.ts";
import type { InsideDependency } from "../../core/inside.ts";
import type { Task } from "../../core/task.ts";
import { isReadme, readContents } from "../../inside/archive.ts";
import { insideOf } from "../../inside/parts.ts";

export const looksInto = /\.zip$/;

export const insideTask: Task = async ({ options, files: [file] }) => {
  // All of it stands below the module and its version, which is many folders, and one to who reads it.
  const top = `${options.package}@${options.version}/`;
  const contents = await readContents(file!, "module.zip", (path) => {
    const below = path.startsWith(top) ? path.slice(top.length) : path;
    return below === "go.mod" || (isReadme(below) && !below.includes("/"));
  });
  const cut = (path: string) => (path.startsWith(top) ? path.slice(top.length) : path);
  const texts = new Map([...contents.texts].map(([path, text]) => [cut(path), text]));
  const files = contents.files.map((one) => ({ ...one, path: cut(one.path) }));
  const dependencies = requiredBy(texts.get("go.mod") ?? "");
  return insideOf({ ...contents, texts, files }, { dependencies });
};

/** The lines of `require`, alone or in a block. */
export function requiredBy(text: string): InsideDependency[] {
  const found: InsideDependency[] = [];
  let isInBlock = false;
  for (const line of text.split("\n")) {
    const [code = "", remark = ""] = line.split("//", 2);
    const words = code.trim().split(/\s+/);
    if (isInBlock && words[0] === ")") isInBlock = false;
    else if (words[0] === "require" && words[1] === "(") isInBlock = true;
    else {
      const [name, range] = isInBlock ? words : words[0] === "require" ? words.slice(1) : [];
      const kind = remark.trim() === "indirect" ? "indirect" : "";
      if (name && range && found.length < 2_000)
        found.push({ name: name.replaceAll('"', ""), range, kind });
    }
  }
  return found;
}

export function installSnippets(url: string, name: string, version: string | null): Snippet[] {
  const what = `${name}@${version ?? "latest"}`;
  return [
    { client: "go", file: "shell", text: `GOPROXY=${url} go get ${what}` },
    { client: "go.mod", file: "go.mod", text: `require ${name} ${version ?? "latest"}` },
  ];
}
