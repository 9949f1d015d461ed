// What people are told of the inside of a tarball. npm docs: package.json
import type { Snippet } from "../../core/format.ts";
import type { InsideDependency } from "../../core/inside.ts";
import type { Task } from "../../core/task.ts";
import { isReadme, readContents } from "../../inside/archive.ts";
import { dependenciesOf, insideOf, objectOf, textOf, textsOf, webOf } from "../../inside/parts.ts";
import { traitsOf } from "./traits.ts";

export const looksInto = /\.tgz$/;

/** Clients drop the one folder that all of it stands in, whatever it is called. */
export const MANIFEST = /^[^/]+\/package\.json$/;

export const insideTask: Task = async ({ files: [file] }) => {
  const contents = await readContents(
    file!,
    "package.tar",
    (path) => MANIFEST.test(path) || isReadme(path),
  );
  const [, text] = [...contents.texts].find(([path]) => MANIFEST.test(path)) ?? [];
  const manifest = objectOf(text) ?? {};
  return insideOf(contents, {
    description: textOf(manifest["description"]),
    licence: textOf(traitsOf(manifest).licence),
    homepage: webOf(manifest["homepage"]),
    dependencies: neededBy(manifest),
    scripts: textsOf(manifest["scripts"]),
  });
};

/** What a manifest says, of every kind. */
export function neededBy(manifest: Record<string, unknown>): InsideDependency[] {
  return [
    ...dependenciesOf(manifest["dependencies"]),
    ...dependenciesOf(manifest["peerDependencies"], "peer"),
    ...dependenciesOf(manifest["optionalDependencies"], "optional"),
    ...dependenciesOf(manifest["devDependencies"], "development"),
  ];
}

export function installSnippets(url: string, name: string, version: string | null): Snippet[] {
  const what = version === null ? name : `${name}@${version}`;
  return [
    { client: "npm", file: "shell", text: `npm install ${what} --registry ${url}/` },
    { client: "pnpm", file: "shell", text: `pnpm add ${what} --registry ${url}/` },
    { client: "yarn", file: "shell", text: `yarn add ${what} --registry ${url}/` },
    { client: "bun", file: "shell", text: `bun add ${what} --registry ${url}/` },
  ];
}
