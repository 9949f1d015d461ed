// `holdfast config check|show|schema`: what the configuration is, before anything runs.
import { stringify } from "yaml";
import { renderJsonSchema } from "../config/render.ts";
import type { Config } from "../config/resolve.ts";
import { shownConfig } from "../config/shown.ts";
import { formatAddress } from "../config/values.ts";
import type { Command } from "./arguments.ts";
import { configFile, configFrom, configOptions } from "./options.ts";
import { paint } from "./terminal.ts";
import { serverWarnings, type WarningFormat, warningsOf } from "./warnings.ts";

export function configCommand({ formats }: { formats: readonly WarningFormat[] }): Command {
  return {
    name: "config",
    words: "check|show|schema",
    summary: "Check or show the configuration",
    options: configOptions,
    details: `check   tells every mistake at once, with its line, and what was probably meant; and what is right but dangerous
show    prints what counts in the end: file, flags, variables and defaults. Secrets are ***
schema  prints the JSON Schema of the file, for editors`,
    examples: [
      ["config check --config holdfast.yaml", "Is this file right?"],
      ["config show", "What counts without a file?"],
    ],
    async run(given, terminal) {
      const [what] = given.words;
      if (what === "schema") {
        terminal.out(renderJsonSchema(formats));
        return 0;
      }
      const config = configFrom(given, formats, terminal);
      if (what === "show") terminal.out(stringify(shownConfig(config, formats), { lineWidth: 0 }));
      else {
        terminal.out(checked(config, configFile(given, terminal)));
        for (const { subject, text } of [
          ...serverWarnings(config, terminal.now(), false),
          ...config.repositories.flatMap((one) => warningsOf(one, config, formats)),
        ])
          terminal.out(`${paint(terminal, "yellow", "!")} ${subject} ${text}\n`);
      }
      return 0;
    },
  };
}

function checked(config: Config, file: string | undefined): string {
  const names = config.repositories.map(({ name }) => name);
  const served = names.length ? names.join(", ") : "no repository";
  return `${file ?? "The built-in configuration"} is right: ${served} on ${formatAddress(config.listen)}, data in ${config.data}\n`;
}
