// Help texts, made from what the commands say of themselves.
import { type Command, helpOption } from "./arguments.ts";
import { align } from "./terminal.ts";

const NAME = "holdfast";

/** What `holdfast --help` says. */
export function renderOverview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, words = "", summary }) => [`  ${name} ${words}`, summary]);
  return [
    "Holdfast keeps a team's builds alive: packages from one place, verified and pinned, also when the upstream is away.",
    "",
    `Usage: ${NAME} COMMAND [OPTIONS]`,
    "",
    ...align(rows),
    "",
    `${NAME} COMMAND --help tells more. ${NAME} --version tells which Holdfast this is.`,
    "",
  ].join("\n");
}

/** What `holdfast COMMAND --help` says. */
export function renderHelp(command: Command): string {
  const { name, words, options, summary, details, examples = [] } = command;
  const rows = Object.entries({ ...options, help: helpOption }).map(([option, { value, help }]) => [
    `  --${option}${value ? ` ${value}` : ""}`,
    help,
  ]);
  return [
    `${summary}.`,
    "",
    `Usage: ${[NAME, name, words, "[OPTIONS]"].filter(Boolean).join(" ")}`,
    ...(details ? ["", details] : []),
    "",
    "Options:",
    ...align(rows),
    ...(examples.length ? ["", "Examples:"] : []),
    ...align(examples.map(([line, effect]) => [`  ${NAME} ${line}`, effect])),
    "",
  ].join("\n");
}
