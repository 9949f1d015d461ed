// `holdfast disk show` and `disk clean`: what the disk holds, and room on it.
import type { FormatOptions } from "../config/schema.ts";
import type { Command } from "./arguments.ts";
import { type RunDeps, runOperation } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { requireStore } from "./store.ts";

export interface DiskDeps extends RunDeps {
  formats: readonly FormatOptions[];
}

const WHERE =
  "A server that runs on the data directory does it; without one this command does it itself.";

export function diskCommands(deps: DiskDeps): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };
  return [
    {
      name: "disk show",
      summary: "What is free, what was fetched, and what is to go",
      options,
      details: `By repository, with its quota (\`quota\`), and of the whole disk (\`disk\`).\n\n${WHERE}`,
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        requireStore(config);
        const request = { name: "disk show", repository: "", flags: new Set<string>() };
        return runOperation(request, config, deps, terminal);
      },
    },
    {
      name: "disk clean",
      summary: "Make the room that quotas and the disk want",
      options: { ...options, "dry-run": { help: "Only say what would be removed" } },
      details: `Removes fetched files, those used longest ago first, until each repository is within its quota and \`disk\` has what is to stay
free. Never removes what was published here, what its upstream no longer has, what others are shown by, nor anything of a repository that
cannot reach its upstream now. Pins stay: a file that is fetched again must be the same. A server does it by itself every ten seconds.

${WHERE}`,
      examples: [["disk clean --dry-run", "What would go?"]],
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        requireStore(config);
        const flags = new Set(given.on("dry-run") ? ["dry-run"] : []);
        return runOperation({ name: "disk clean", repository: "", flags }, config, deps, terminal);
      },
    },
  ];
}
