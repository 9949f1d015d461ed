// The command line: which command is meant, and how it ends. 0 done, 1 failed, 2 wrong usage (design §4.1).
import { ConfigError } from "../config/errors.ts";
import { versionText } from "../core/build.ts";
import { inFull, isUndone, Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import { type Command, parseArguments, UsageError, unknown } from "./arguments.ts";
import { processTerminal, type Terminal } from "./terminal.ts";
import { renderHelp, renderOverview } from "./usage.ts";

/** Runs one command line and resolves to its exit code. `argv` is without the program's own name. */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const [name] = argv;
  if (name === "--version" || name === "version") {
    terminal.out(`${versionText()}\n`);
    return 0;
  }
  if (name === undefined) {
    terminal.err(renderOverview(commands));
    return 2;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const asked = find(commands, argv.slice(1));
    terminal.out(asked ? renderHelp(asked) : renderOverview(family(commands, argv[1])));
    return 0;
  }
  const command = find(commands, argv);
  if (!command) return refuse(argv, commands, terminal);
  try {
    const given = parseArguments(command, argv.slice(command.name.split(" ").length));
    if (given.help) {
      terminal.out(renderHelp(command));
      return 0;
    }
    return await command.run(given, terminal);
  } catch (error) {
    return fail(command, error, terminal);
  }
}

/** The command whose name, of two words or of one, the line begins with. */
function find(commands: readonly Command[], argv: readonly string[]): Command | undefined {
  const [first, second] = argv;
  return (
    commands.find(({ name }) => name === `${first} ${second}`) ??
    commands.find(({ name }) => name === first)
  );
}

/** The commands of two words that begin with this one; all commands when there are none. */
function family(commands: readonly Command[], word: string | undefined): readonly Command[] {
  const found = commands.filter(({ name }) => name.startsWith(`${word} `));
  return found.length ? found : commands;
}

/** Only its first word, or none, is that of a command. */
function refuse(argv: readonly string[], commands: readonly Command[], terminal: Terminal): number {
  const [first, second] = argv;
  const known = family(commands, first);
  if (known === commands && first!.startsWith("-")) {
    terminal.err(`holdfast: the command comes first: holdfast serve ${argv.join(" ")}\n`);
    return 2;
  }
  if (known === commands) {
    const names = [...new Set(commands.map(({ name }) => name.split(" ")[0]!))];
    const help = "holdfast --help lists the commands.";
    terminal.err(`holdfast: ${unknown("command", first!, names)}\n${help}\n`);
    return 2;
  }
  if (second === "--help" || second === "-h") {
    terminal.out(renderOverview(known));
    return 0;
  }
  const names = known.map(({ name }) => name.slice(first!.length + 1));
  const wrong =
    second === undefined || second.startsWith("-")
      ? `what is missing: ${names.join("|")}`
      : unknown("argument", second, names);
  terminal.err(`holdfast ${first}: ${wrong}\nholdfast ${first} --help shows what it takes.\n`);
  return 2;
}

/** What is expected to fail says what and where in one sentence; anything else is a bug and shows its stack. */
function wordsOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  // SQLite names no file; what has a cause is in words of a command's own.
  const isBare = /^SQLITE_/.test(String(code)) && cause === undefined;
  const told = (isBare && shortageOf(error)) || error;
  if (told instanceof Problem) return isUndone(told) ? inFull(told) : told.message;
  return code ? (error as Error).message : ((error as Error)?.stack ?? String(error));
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
  terminal.err(`holdfast ${command.name}: ${wordsOf(error)}\n`);
  return 1;
}
