// The log of a server that runs as this process, on standard output.
import type { Config } from "../config/resolve.ts";
import { createLog, type Log } from "../core/log.ts";
import { logStyle } from "./serve.ts";
import { processTerminal } from "./terminal.ts";

/** Lines are written in batches: a request must not wait for a terminal or a pipe. */
export function processLog(config: Config): Log {
  const terminal = processTerminal();
  let lines: string[] = [];
  const flush = () => {
    process.stdout.write(lines.join(""));
    lines = [];
  };
  process.on("exit", flush);
  return createLog(
    logStyle(config, terminal),
    (line) => {
      if (lines.push(line) === 1) setTimeout(flush, 20);
    },
    terminal.colour,
  );
}
