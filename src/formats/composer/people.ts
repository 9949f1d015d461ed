// What people are told of a package: what is inside of its archive, and how it is installed. https://getcomposer.org/doc/04-schema.md
import type { Snippet } from "../../core/format.ts";
import type { InsideDependency } from "../../core/inside.ts";
import type { Task } from "../../core/task.ts";
import { isReadme, readContents } from "../../inside/archive.ts";
import { dependenciesOf, insideOf, objectOf, textOf, textsOf, webOf } from "../../inside/parts.ts";
import { valuesOf } from "./types.ts";

export const looksInto = /\.(zip|tar|tar\.gz|tgz|tar\.bz2|tar\.xz)$/;

/** At the top, or in the one folder that code hosts put all of it into. */
export const MANIFEST = /^(?:[^/]+\/)?composer\.json$/;

export const insideTask: Task = async ({ options, files: [file] }) => {
  const contents = await readContents(
    file!,
    options.file,
    (path) => MANIFEST.test(path) || isReadme(path),
  );
  const manifest = manifestOf(contents.texts);
  const licences = valuesOf(manifest["license"]).filter((one) => typeof one === "string");
  return insideOf(contents, {
    description: textOf(manifest["description"]),
    licence: textOf(licences.join(" or ")) ?? textOf(manifest["license"]),
    homepage: webOf(manifest["homepage"]),
    dependencies: neededBy(manifest),
    scripts: textsOf(manifest["scripts"]),
  });
};

/** The one at the top, of the texts of an archive. Empty where there is none. */
export function manifestOf(texts: ReadonlyMap<string, string>): Record<string, unknown> {
  const found = [...texts].filter(([path]) => MANIFEST.test(path)).sort(byLength);
  return objectOf(found[0]?.[1]) ?? {};
}

/** What a manifest says, of every kind. */
export function neededBy(manifest: Record<string, unknown>): InsideDependency[] {
  return [
    ...dependenciesOf(manifest["require"]),
    ...dependenciesOf(manifest["require-dev"], "development"),
  ];
}

function byLength([a]: [string, string], [b]: [string, string]): number {
  return a.length - b.length;
}

export function installSnippets(_url: string, name: string, version: string | null): Snippet[] {
  const what = version === null ? name : `${name}:${version}`;
  return [{ client: "composer", file: "shell", text: `composer require ${what}` }];
}
