// The log of a server that runs as this process, on standard output.
import { writeSync } from "node:fs";
import type { Config } from "../config/resolve.ts";
import { createLog, type Log } from "../core/log.ts";
import { createBatch } from "./batch.ts";
import { logStyle } from "./serve.ts";
import { processTerminal } from "./terminal.ts";

const EVERY_MS = 10;
/** How long the end of the process is put off for the last lines. */
const LAST_MS = 2000;

/** A request does not wait for a terminal or a pipe, and a line is not lost when the process ends, by a bug or otherwise. */
export function processLog(config: Pick<Config, "logs">): Log {
  const terminal = processTerminal();
  const batch = createBatch(
    // Without an error's message: who has stopped reading cannot be told.
    (text, done) => void process.stdout.write(text, () => done()),
    {
      everyMs: EVERY_MS,
      lost: (lines) =>
        log.write("warn", `${lines} lines of this log were lost: they are not read fast enough`),
    },
  );
  process.on("exit", () => {
    const rest = batch.rest();
    if (batch.isWriting)
      process.stdout.write(rest); // behind what is on its way
    else writeLast(rest);
  });
  const log = createLog(logStyle(config, terminal), batch.add, terminal.colour);
  return log;
}

/** Nothing happens any more that could write later. */
function writeLast(text: string): void {
  const bytes = Buffer.from(text);
  const end = performance.now() + LAST_MS;
  let at = 0;
  while (at < bytes.length && performance.now() < end) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      Bun.sleepSync(1); // a pipe that is full
    }
  }
}
