// For tests: the command line of a server whose only format is a toy with operations. Run as a process, with the arguments of `holdfast`.
import { z } from "zod";
import type { Format } from "../core/format.ts";
import type { Operation, RunOperation } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import { reply } from "../core/reply.ts";
import { formats } from "../formats/index.ts";
import { start } from "../server/start.ts";
import { operate } from "./errands.ts";
import { gcCommand } from "./gc.ts";
import { runCli } from "./index.ts";
import { operationCommands } from "./operations.ts";
import { processLog } from "./process-log.ts";
import { serveCommand } from "./serve.ts";
import { unpinCommand } from "./unpin.ts";

export interface ToyOptions {
  every?: number | undefined;
}

const run: Operation<ToyOptions> = {
  name: "toy run",
  summary: "Play",
  details: "It counts to two.",
  flags: { short: "Leaves the second out", hang: "Waits until it is stopped", refuse: "Refuses" },
  every: ({ every }) => every ?? null,
};

const play: RunOperation<ToyOptions> = async (_repository, { flags, progress, say, signal }) => {
  if (flags.has("refuse")) throw new Problem("refused", "The toy refuses");
  progress(1, 2, "one");
  say(`The toy plays in ${process.pid}`);
  if (flags.has("hang"))
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  if (flags.has("short")) return false;
  progress(2, 2, "two");
  return true;
};

export const toy: Format<{ kind: string }, ToyOptions> = {
  name: "toy",
  options: z.strictObject({ every: z.number().optional() }),
  documents: {},
  artifacts: {},
  parse: () => ({ kind: "any" }),
  access: () => ({ action: "read", package: null }),
  mount: () => ({
    serve: async () => reply(200, "text/plain", "toy\n"),
    operations: { "toy run": play },
    gauges: [
      {
        name: "holdfast_toy_size",
        help: "How large.",
        read: async () => [[{ part: "wheel" }, 4]],
      },
    ],
  }),
  problem: (problem) => reply(problem.status, "text/plain", problem.message),
  operations: [run],
  warnings: () => ["is a toy"],
  setup: (url) => [{ client: "toy", file: "~/.toyrc", text: `${url}\n` }],
};

if (import.meta.main) {
  formats.splice(0, formats.length, toy);
  process.exitCode = await runCli(process.argv.slice(2), [
    serveCommand({
      formats,
      start: (config, load) => start({ config, load, log: processLog(config), hasControl: true }),
    }),
    ...operationCommands({
      formats,
      operate: (config, request, call) => operate(start, config, request, call),
    }),
    unpinCommand({
      formats: [toy],
      operate: (config, request, call) => operate(start, config, request, call),
    }),
    gcCommand({
      formats,
      operate: (config, request, call) => operate(start, config, request, call),
    }),
  ]);
  const code = process.exitCode;
  setTimeout(() => process.exit(code), 200).unref();
}
