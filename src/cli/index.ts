// The command line: which command is meant, and how it ends. 0 done, 1 failed, 2 wrong usage (design §4.1).
import manifest from "../../package.json" with { type: "json" };
import { ConfigError } from "../config/errors.ts";
import { Problem } from "../core/problem.ts";
import { type Command, parseArguments, UsageError, unknown } from "./arguments.ts";
import { processTerminal, type Terminal } from "./terminal.ts";
import { renderHelp, renderOverview } from "./usage.ts";

/** Runs one command line and resolves to its exit code. `argv` is without the program's own name. */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "--version" || name === "version") {
    terminal.out(`holdfast ${manifest.version}\n`);
    return 0;
  }
  if (name === undefined) {
    terminal.err(renderOverview(commands));
    return 2;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const asked = commands.find((command) => command.name === rest[0]);
    terminal.out(asked ? renderHelp(asked) : renderOverview(commands));
    return 0;
  }
  const command = commands.find((command) => command.name === name);
  if (!command) {
    const known = commands.map(({ name }) => name);
    terminal.err(
      `holdfast: ${unknown("command", name, known)}\nholdfast --help lists the commands.\n`,
    );
    return 2;
  }
  try {
    const given = parseArguments(command, rest);
    if (given.help) {
      terminal.out(renderHelp(command));
      return 0;
    }
    return await command.run(given, terminal);
  } catch (error) {
    return fail(command, error, terminal);
  }
}

function fail(command: Command, error: unknown, terminal: Terminal): number {
  if (error instanceof UsageError) {
    const help = `holdfast ${command.name} --help shows what it takes.`;
    terminal.err(`holdfast ${command.name}: ${error.message}\n${help}\n`);
    return 2;
  }
  if (error instanceof ConfigError) {
    const count = error.errors.length;
    terminal.err(`${error.message}\n`);
    terminal.err(
      `holdfast: the configuration has ${count === 1 ? "a mistake" : `${count} mistakes`}\n`,
    );
    return 1;
  }
  // What is expected to fail says what and where in one sentence; anything else is a bug and shows its stack.
  const expected = error instanceof Problem || (error as { code?: unknown } | null)?.code;
  const text = expected ? (error as Error).message : ((error as Error)?.stack ?? String(error));
  terminal.err(`holdfast ${command.name}: ${text}\n`);
  return 1;
}
