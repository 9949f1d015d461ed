// Which packages a tarball says that it needs. npm docs: package.json
import type { Dependencies } from "../../core/dependencies.ts";
import type { Task } from "../../core/task.ts";
import { readTexts } from "../../inside/archive.ts";
import { objectOf } from "../../inside/parts.ts";
import { looksInto, MANIFEST, neededBy } from "./people.ts";

/** Below another name: `"kelp-old": "npm:kelp@^1.0.0"`. npm-package-arg */
const ALIAS = /^npm:((?:@[^/]+\/)?[^@/]+)(?:@(.*))?$/;
/** From a folder, an archive or a code host, and no package of a registry. */
const ELSEWHERE = /^(?:[a-z+]+:|\.{0,2}\/|~\/)|^[^@/]+\/[^@/]/i;

export const dependencies: Dependencies = {
  files: [looksInto],
  needs({ name, range, kind }) {
    if (kind === "development") return [];
    const [, real, wanted = ""] = ALIAS.exec(range) ?? [];
    if (real !== undefined) return [{ name: real, range: wanted }];
    return ELSEWHERE.test(range) ? [] : [{ name, range }];
  },
};

export const dependenciesTask: Task = async ({ files: [file] }) => {
  const texts = await readTexts(file!, "package.tar", (path) => MANIFEST.test(path), 1);
  return neededBy(objectOf([...texts.values()][0]) ?? {});
};
