// Which modules a module says that it needs: the go.mod beside its zip, or within. https://go.dev/ref/mod#go-mod-file-require
import type { Dependencies } from "../../core/dependencies.ts";
import type { Task } from "../../core/task.ts";
import { readTexts } from "../../inside/archive.ts";
import { looksInto, requiredBy } from "./people.ts";

const MOD = /\.mod$/;
/** No go.mod that anybody wrote is near it. Bytes. */
const LARGEST = 2 ** 20;

export const dependencies: Dependencies = {
  files: [MOD, looksInto],
  needs: ({ name, range }) => [{ name, range }],
};

export const dependenciesTask: Task = async ({ options, files: [file] }) => {
  if (MOD.test(options.file))
    return requiredBy(
      Buffer.from(await file!.read(0, Math.min(file!.size, LARGEST))).toString("utf8"),
    );
  const path = `${options.package}@${options.version}/go.mod`;
  const texts = await readTexts(file!, "module.zip", (one) => one === path, 1);
  return requiredBy(texts.get(path) ?? "");
};
