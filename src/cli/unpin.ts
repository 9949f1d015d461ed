// `holdfast unpin`: takes back the first bytes seen of a file, in writing.
import type { Format } from "../core/format.ts";
import { type Command, UsageError, unknown } from "./arguments.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { who } from "./who.ts";

export interface UnpinCommandDeps extends RunDeps {
  formats: readonly Pick<Format, "name" | "options" | "fileOptions" | "spell">[];
}

export function unpinCommand(deps: UnpinCommandDeps): Command {
  return {
    name: "unpin",
    words: "REPOSITORY PACKAGE FILE",
    summary: "Take back the pinned bytes of a file, in writing",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      reason: { value: "TEXT", help: "Why; it is kept for ever" },
    },
    details: `The first bytes seen of a file are the only ones that are ever served under its name. Where they were the wrong ones (an
upstream that sent something else, at a time when no digest vouched for the file), this forgets them: the file is fetched and pinned
anew when it is next asked for. What a document said of its digest stays. The pin goes to the table of what was taken back, and an event
tells who did it, when and why. A server that runs on the data directory does it; without one this command does it itself.`,
    examples: [
      [
        'unpin pypi example example-1.0.tar.gz --reason "a proxy sent its error page"',
        "Fetch it again, as if for the first time",
      ],
    ],
    async run(given, terminal) {
      const config = configFrom(given, deps.formats, terminal);
      const [repository, name, file] = given.words as [string, string, string];
      const reason = given.text("reason")?.trim();
      if (!reason) throw new UsageError("it takes a reason: --reason TEXT");
      const found = config.repositories.find((one) => one.name === repository);
      if (!found) {
        const names = config.repositories.map((one) => one.name);
        throw new UsageError(unknown("repository", repository, names));
      }
      const format = deps.formats.find((one) => one.name === found.format);
      const values = {
        repository,
        package: format?.spell?.(name) ?? name,
        file,
        reason,
        by: who(),
      };
      return runHouse("unpin", values, config, deps, terminal);
    },
  };
}
