// `holdfast follow …`: what an operator of a server in another site does, beside what its configuration says.
import type { Format } from "../core/format.ts";
import { type Command, UsageError } from "./arguments.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { who } from "./who.ts";

export function followCommands(deps: RunDeps & { formats: readonly Format[] }): Command[] {
  return [
    {
      name: "follow anew",
      summary: "Follow the primary from its first leaf again, with a reason",
      options: {
        reason: { value: "TEXT", help: "Why, for the events (needed)" },
        config: configOptions.config,
        data: configOptions.data,
      },
      details: `For a follower (\`follow:\`) whose primary was put back to an older copy on purpose, so that it shows another history than before. What is stored
and pinned here stays; a pin of the primary that contradicts one of here is told as an event (tampered).

A server that runs on the data directory does it; without one this command does it itself.`,
      examples: [
        ['follow anew --reason "the primary is Monday\'s backup"', "After a restore there"],
      ],
      async run(given, terminal) {
        const reason = given.text("reason");
        if (!reason?.trim()) throw new UsageError("follow anew needs --reason TEXT");
        const config = configFrom(given, deps.formats, terminal);
        return runHouse("follow anew", { reason, by: who() }, config, deps, terminal);
      },
    },
  ];
}
