// `holdfast gc`: gives back the disk space of what nothing names.
import type { FormatOptions } from "../config/schema.ts";
import { collectGarbage } from "../jobs/gc.ts";
import type { Command } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { withStore } from "./store.ts";
import { humanSize } from "./terminal.ts";

export function gcCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "gc",
    summary: "Remove files that nothing names any more",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      "dry-run": { help: "Only say what would be removed" },
    },
    details: `Removes replaced documents, leftovers of crashes and views that were not used for 30 days. Never removes an artifact that
a row names, and nothing that is younger than an hour. Works while the server runs, which does the same every six hours.`,
    examples: [["gc --dry-run", "How much would it give back?"]],
    async run(given, terminal) {
      const dryRun = given.on("dry-run");
      const result = await withStore(configFrom(given, formats, terminal), (store) =>
        collectGarbage(store, { dryRun, now: terminal.now() }),
      );
      const { blobs, views, bytes, young } = result;
      terminal.out(
        `${dryRun ? "Would remove" : "Removed"} ${count(blobs, "unreferenced file")} and ${count(views, "old view")}: ${humanSize(bytes)}.\n`,
      );
      if (young > 0)
        terminal.out(
          `${count(young, "more file")} younger than an hour: left for the next time.\n`,
        );
      return 0;
    },
  };
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
