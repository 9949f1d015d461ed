// What people are told of a package: what is inside of its archive, and how it is installed. https://getcomposer.org/doc/04-schema.md
import type { Snippet } from "../../core/format.ts";
import type { Task } from "../../core/task.ts";
import { isReadme, readContents } from "../../inside/archive.ts";
import { dependenciesOf, insideOf, objectOf, textOf, textsOf, webOf } from "../../inside/parts.ts";
import { valuesOf } from "./types.ts";

export const looksInto = /\.(zip|tar|tar\.gz|tgz|tar\.bz2|tar\.xz)$/;

/** At the top, or in the one folder that code hosts put all of it into. */
const MANIFEST = /^(?:[^/]+\/)?composer\.json$/;

export const insideTask: Task = async ({ options, files: [file] }) => {
  const contents = await readContents(
    file!,
    options.file,
    (path) => MANIFEST.test(path) || isReadme(path),
  );
  const found = [...contents.texts].filter(([path]) => MANIFEST.test(path)).sort(byLength);
  const manifest = objectOf(found[0]?.[1]) ?? {};
  const licences = valuesOf(manifest["license"]).filter((one) => typeof one === "string");
  return insideOf(contents, {
    description: textOf(manifest["description"]),
    licence: textOf(licences.join(" or ")) ?? textOf(manifest["license"]),
    homepage: webOf(manifest["homepage"]),
    dependencies: [
      ...dependenciesOf(manifest["require"]),
      ...dependenciesOf(manifest["require-dev"], "development"),
    ],
    scripts: textsOf(manifest["scripts"]),
  });
};

function byLength([a]: [string, string], [b]: [string, string]): number {
  return a.length - b.length;
}

export function installSnippets(_url: string, name: string, version: string | null): Snippet[] {
  const what = version === null ? name : `${name}:${version}`;
  return [{ client: "composer", file: "shell", text: `composer require ${what}` }];
}
