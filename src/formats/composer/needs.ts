// Which packages an archive says that it needs. https://getcomposer.org/doc/04-schema.md#require
import type { Dependencies } from "../../core/dependencies.ts";
import type { Task } from "../../core/task.ts";
import { readTexts } from "../../inside/archive.ts";
import { isPackageName, spellName } from "./names.ts";
import { looksInto, MANIFEST, manifestOf, neededBy } from "./people.ts";

export const dependencies: Dependencies = {
  files: [looksInto],
  // What has no vendor is the platform: php, ext-json, composer-runtime-api.
  needs: ({ name, range, kind }) =>
    kind === "development" || !isPackageName(spellName(name)) ? [] : [{ name, range }],
};

export const dependenciesTask: Task = async ({ options, files: [file] }) =>
  neededBy(manifestOf(await readTexts(file!, options.file, (path) => MANIFEST.test(path))));
