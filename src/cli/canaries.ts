// `holdfast canary run` and `canary show`: made-up packages that prove what is refused.
import type { FormatOptions } from "../config/schema.ts";
import type { Command } from "./arguments.ts";
import { type RunDeps, runOperation } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { requireStore } from "./store.ts";

export interface CanaryDeps extends RunDeps {
  formats: readonly FormatOptions[];
}

export function canaryCommands(deps: CanaryDeps): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };
  const command = (name: string, summary: string, details: string): Command => ({
    name,
    summary,
    options,
    details,
    async run(given, terminal) {
      const config = configFrom(given, deps.formats, terminal);
      requireStore(config);
      const request = { name, repository: "", flags: new Set<string>() };
      return runOperation(request, config, deps, terminal);
    },
  });
  return [
    command(
      "canary run",
      "Prove now that what is bad, young, tampered with or private is not to be had",
      `Has made-up packages asked for in each repository, by each route by which something leaves, in the code that answers clients and with the
repository's own configuration: a good one must be served, one that is blocked or held withheld, one with other bytes than were vouched for
refused, and nobody may be asked for one that is claimed. No upstream is asked, and nothing stays. Exit code 1 when a canary is red.

A server that runs on the data directory does it, as it does every ten minutes by itself; without one this command does it itself.`,
    ),
    command(
      "canary show",
      "What the last round of canaries proved",
      "Of the server that runs on the data directory. Exit code 1 when a canary is red, or no round has ended yet.",
    ),
  ];
}
