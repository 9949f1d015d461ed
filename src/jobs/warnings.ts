// What formats warn of in a repository's options: said when the server starts, and again every day.
import type { AnyFormat } from "../core/format.ts";
import type { Log } from "../core/log.ts";
import type { Repository } from "../core/repository.ts";
import type { RecurringJob } from "./runner.ts";

const AGAIN_MS = 24 * 60 * 60 * 1000;

export function tellWarnings(
  mounted: readonly { format: AnyFormat; repository: Repository }[],
  log: Log,
  /** Of the server as a whole: sentences without a final period. */
  others: () => Promise<string[]> = async () => [],
): RecurringJob {
  return {
    name: "Warnings",
    everyMs: AGAIN_MS,
    async run() {
      for (const warning of await others())
        log.write(
          "warn",
          warning.replace(/^./, (letter) => letter.toUpperCase()),
        );
      for (const { format, repository } of mounted)
        for (const warning of format.warnings?.(repository.options) ?? [])
          log.write("warn", `The repository ${repository.name} ${warning}`, {
            repository: repository.name,
          });
    },
  };
}
