// Which projects a distribution says that it needs: Requires-Dist of its core metadata, wherever that stands. PEP 508, 643, 658
import type { Dependencies } from "../../core/dependencies.ts";
import type { Task } from "../../core/task.ts";
import { readTexts } from "../../inside/archive.ts";
import { METADATA, neededBy } from "./people.ts";

/** PEP 658 */
const BESIDE = /\.whl\.metadata$/;
/** Far beyond what any has, with the readme in it. Bytes. */
const LARGEST = 2 ** 20;

export const dependencies: Dependencies = {
  files: [BESIDE, /\.whl$/, /\.(tar\.gz|zip)$/],
  // `requests[socks]` is a release of requests.
  needs: ({ name, range }) => [{ name: name.replace(/\[.*$/, ""), range }],
};

export const dependenciesTask: Task = async ({ options, files: [file] }) => {
  if (BESIDE.test(options.file))
    return neededBy(
      Buffer.from(await file!.read(0, Math.min(file!.size, LARGEST))).toString("utf8"),
    );
  const texts = await readTexts(file!, "distribution.tar", (path) => METADATA.test(path), 1);
  return neededBy([...texts.values()][0] ?? "");
};
