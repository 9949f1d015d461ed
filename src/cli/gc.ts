// `holdfast gc`: gives back the disk space of what nothing names.
import type { FormatOptions } from "../config/schema.ts";
import { countGarbage, type GcResult } from "../jobs/gc.ts";
import type { Command } from "./arguments.ts";
import { type RunDeps, runOperation } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore, requireStore } from "./store.ts";
import { humanSize } from "./terminal.ts";

export interface GcDeps extends RunDeps {
  formats: readonly FormatOptions[];
}

export function gcCommand(deps: GcDeps): Command {
  return {
    name: "gc",
    summary: "Remove files that nothing names any more",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      "dry-run": { help: "Only say what would be removed" },
    },
    details: `Removes replaced documents, leftovers of crashes and views that were not used for 30 days. Never removes an artifact that
a row names, and nothing that is younger than an hour. A server that runs on the data directory does it, as it does by itself every
six hours; without one this command does it.`,
    examples: [["gc --dry-run", "How much would it give back?"]],
    async run(given, terminal) {
      const config = configFrom(given, deps.formats, terminal);
      requireStore(config);
      if (!given.on("dry-run"))
        return runOperation(
          { name: "gc", repository: "", flags: new Set() },
          config,
          deps,
          terminal,
        );
      const counted = await readStore(config, (store) =>
        countGarbage(store, { now: terminal.now() }),
      );
      for (const line of lines(counted, "Would remove")) terminal.out(`${line}\n`);
      return 0;
    },
  };
}

/** What was done, in lines for people. */
export function tellGarbage(result: GcResult): string[] {
  return lines(result, "Removed");
}

function lines({ blobs, views, bytes, young }: GcResult, did: string): string[] {
  const removed = `${count(blobs, "unreferenced file")} and ${count(views, "old view")}`;
  const told = [`${did} ${removed}: ${humanSize(bytes)}.`];
  if (young > 0)
    told.push(`${count(young, "more file")} younger than an hour: left for the next time.`);
  return told;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
