// `holdfast ledger …`: does the append-only log agree with the database, and what an operator takes as it is.

import type { Format } from "../core/format.ts";
import { type Command, UsageError } from "./arguments.ts";
import { compareCommand } from "./ledger-compare.ts";
import { receiptCommands } from "./ledger-receipts.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { who } from "./who.ts";

export interface LedgerDeps extends RunDeps {
  formats: readonly Format[];
}

const WHERE =
  "A server that runs on the data directory does it; without one this command does it itself.";

export function ledgerCommands(deps: LedgerDeps): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };
  return [
    {
      name: "ledger audit",
      summary: "Replay the append-only log against the database, and say what differs",
      options,
      details: `Reads every leaf of the log (data/log), holds its tiles against each other and against the checkpoint that the server signed, and
each pin, fact, event and waiver in the database against its newest leaf. Tells of rows that were edited, removed or put in past the log, of files of the log that
were changed, of what never changes and did, and of a clock that was put back. Exit code 1 when there is anything to tell.

${WHERE}`,
      examples: [["ledger audit", "Is the database what was written into the log?"]],
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        return runHouse("ledger audit", {}, config, deps, terminal);
      },
    },
    {
      name: "ledger accept",
      summary: "Take log and database as they are, with a reason",
      options: { reason: { value: "TEXT", help: "Why, for the events (needed)" }, ...options },
      details: `After a database was put back from a backup on purpose, or after what \`ledger audit\` tells was looked into: each row that differs becomes one
more leaf, an event (history-accepted) says since when, and the server no longer warns. The log forgets nothing: what it said before, and that it
was accepted, stays in it. Files of the log that are damaged cannot be accepted.

${WHERE}`,
      examples: [
        ['ledger accept --reason "restored Monday\'s backup"', "After a rollback on purpose"],
      ],
      async run(given, terminal) {
        const reason = given.text("reason");
        if (!reason?.trim()) throw new UsageError("ledger accept needs --reason TEXT");
        const config = configFrom(given, deps.formats, terminal);
        return runHouse("ledger accept", { reason, by: who() }, config, deps, terminal);
      },
    },
    ...receiptCommands(deps),
    compareCommand(deps),
  ];
}
