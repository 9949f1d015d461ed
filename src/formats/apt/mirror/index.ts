// The operations of an apt repository's mirror.
import type { Operation } from "../../../core/operation.ts";
import type { AptRun } from "../memory.ts";
import type { AptOptions } from "../options.ts";
import { cleanMirror } from "./clean.ts";
import { runMirror } from "./run.ts";

export const mirrorOperations: Operation<AptOptions>[] = [
  {
    name: "mirror run",
    summary: "Fetch ahead all that a repository's mirror names",
    details: `Asks for the newest release of each suite of \`mirror\`, and fetches its indices and the files they name that are not stored yet, with all the
checks that a client's request makes. A run that was stopped goes on where it was. Ends with 1 when anything is missing, and says what. The
server does the same every \`mirror.every\`.`,
    every: ({ mirror }) => mirror?.every ?? null,
  },
  {
    name: "mirror clean",
    summary: "Remove files that no remembered release names",
    details: `Works on all suites that were ever asked for, mirrored or not. Nothing is removed when a release or an index of one of them cannot be read, nothing
that came within the last hour, and not more than 40 % of the files or of their bytes without \`--force\`. What is removed is fetched again
when a client asks and the upstream has it; its pin stays, so that other bytes are never taken for it.`,
    flags: {
      "dry-run": "Only say what would be removed",
      force: "Remove even more than 40 %",
    },
  },
];

export const mirrorRuns: Record<string, AptRun> = {
  "mirror run": (repository, call) => runMirror(repository, call),
  "mirror clean": cleanMirror,
};
