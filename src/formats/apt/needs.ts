// Which packages a Debian package says that it needs: its control file. deb-control(5), Debian Policy 7.1
import type { Dependencies } from "../../core/dependencies.ts";
import type { Task } from "../../core/task.ts";
import { readDebControl } from "../../inside/archive.ts";
import { fieldsOf, looksInto, neededBy } from "./people.ts";

/** `libc6:any (>= 2.36)` */
const ONE = /^([a-z0-9][a-z0-9+.-]+)(?::\S+)?\s*(?:\(([^)]*)\))?$/i;

export const dependencies: Dependencies = {
  files: [looksInto],
  // Of `exim4 | mail-transport-agent` each will do, so that each is needed by it. What is only suggested is not.
  needs: ({ name, range, kind }) =>
    kind === "suggested"
      ? []
      : name.split("|").flatMap((text) => {
          const [, one, within] = ONE.exec(text.trim()) ?? [];
          return one === undefined ? [] : [{ name: one, range: within?.trim() ?? range }];
        }),
};

export const dependenciesTask: Task = async ({ files: [file] }) =>
  neededBy(fieldsOf(await readDebControl(file!)));
