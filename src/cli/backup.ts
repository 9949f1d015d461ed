// `holdfast backup`: a copy of the data directory that can be served, while the server runs.
import { resolve } from "node:path";
import type { FormatOptions } from "../config/schema.ts";
import { backUp } from "../store/backup.ts";
import type { Command } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { createProgress } from "./progress.ts";
import { requireStore } from "./store.ts";
import { humanSize } from "./terminal.ts";

export function backupCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "backup",
    words: "FOLDER",
    summary: "Copy everything stored to a folder, also while the server runs",
    options: { config: configOptions.config, data: configOptions.data },
    details: `Makes FOLDER a data directory of its own, or brings an earlier backup there up to date: only what is new is copied. To restore,
serve it (--data FOLDER), or put it in the place of the old one while no server runs there.`,
    examples: [["backup /mnt/backup/holdfast", "Every night"]],
    async run(given, terminal) {
      const folder = resolve(terminal.cwd, given.words[0]!);
      const layout = requireStore(configFrom(given, formats, terminal));
      const bar = createProgress(terminal, "Backing up", { total: 0, unit: "files" });
      try {
        const { files, bytes } = await backUp(layout, folder, ({ files }) => bar.at(files));
        bar.end();
        terminal.out(
          `${layout.root} is backed up to ${folder}: ${files.toLocaleString("en-US")} new ${files === 1 ? "file" : "files"}, ${humanSize(bytes)}, and the catalog.\n`,
        );
        return 0;
      } finally {
        bar.end();
      }
    },
  };
}
