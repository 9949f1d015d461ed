// `holdfast reload`: has the running server take its changed configuration in, and says what it made of that.
import type { FormatOptions } from "../config/schema.ts";
import { printable } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { askControl, controlPath } from "../http/control.ts";
import type { Command } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";

export function reloadCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "reload",
    summary: "Have the running server take its changed configuration in",
    options: { config: configOptions.config, data: configOptions.data },
    details: `The server reads the file that it was started with, with its flags and variables, and takes it in whole or not at all: no request is
dropped, running ones end as they began. SIGHUP does the same. What only a restart can bring is told.`,
    async run(given, terminal) {
      const { data } = configFrom(given, formats, terminal);
      const lines: string[] = [];
      const request = { name: "reload", repository: "", flags: new Set<string>() };
      const isTaken = await askControl(controlPath(data), request, {
        progress() {},
        say: (line) => void lines.push(printable(line)),
        signal: new AbortController().signal,
      });
      if (isTaken === null)
        throw new Problem(
          "notFound",
          `No server runs on ${data}; another can be given with --data`,
        );
      const text = `${lines.join("\n")}\n`;
      if (isTaken) terminal.out(text);
      else terminal.err(text);
      return isTaken ? 0 : 1;
    },
  };
}
