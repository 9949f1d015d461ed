// What stands behind the command's name: flags and words, checked against what the command takes.
import { parseArgs } from "node:util";
import { nearest } from "../config/nearest.ts";
import type { Terminal } from "./terminal.ts";

export interface Option {
  /** What its value is called in help (FILE); none: the option is a switch. */
  value?: string;
  help: string;
}

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Its words, as help shows them: "CLIENT", "check|show|schema". In brackets when they may be left out; "FILE..." for one or more at the end. */
  readonly words?: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Paragraphs for its help. */
  readonly details?: string;
  /** Command lines, each with what it does. */
  readonly examples?: readonly (readonly [command: string, effect: string])[];
  /** Resolves to the exit code. */
  run(given: Given, terminal: Terminal): Promise<number>;
}

export interface Given {
  readonly words: readonly string[];
  /** The value of an option. */
  text(option: string): string | undefined;
  /** Whether a switch is set. */
  on(option: string): boolean;
  readonly help: boolean;
}

/** The command line is not one that the command understands: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

export const helpOption: Option = { help: "Show this" };

/** Throws a UsageError that names the nearest option. */
export function parseArguments(command: Command, argv: readonly string[]): Given {
  const options: Readonly<Record<string, Option>> = { ...command.options, help: helpOption };
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: {
      ...Object.fromEntries(
        Object.entries(options).map(([name, { value }]) => [
          name,
          { type: value ? ("string" as const) : ("boolean" as const) },
        ]),
      ),
      help: { type: "boolean", short: "h" },
    },
  });
  const values = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name]! : null;
    if (!option) {
      const meant = nearest(token.name, Object.keys(options));
      throw new UsageError(
        `unknown option ${token.rawName}${meant ? ` (did you mean --${meant}?)` : ""}`,
      );
    }
    if (!option.value && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value`);
    if (option.value && (!token.value || (!token.inlineValue && token.value.startsWith("-"))))
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value}`);
    values.set(token.name, token.value ?? "");
  }
  const help = values.has("help");
  if (!help) checkWords(command, words);
  return {
    words,
    help,
    text: (option) => values.get(option),
    on: (option) => values.has(option),
  };
}

function checkWords({ words: form = "" }: Command, words: readonly string[]): void {
  const parts = form.split(" ").filter(Boolean);
  const most = form.endsWith("...") ? Number.POSITIVE_INFINITY : parts.length;
  const least = form.startsWith("[") ? 0 : parts.filter((part) => !part.startsWith("[")).length;
  if (words.length > most) throw new UsageError(`unexpected argument ${quote(words[most]!)}`);
  if (words.length < least) throw new UsageError(`what is missing: ${form}`);
  const choices = form.replace(/[[\]]/g, "").split("|");
  const [word] = words;
  if (word === undefined || choices.length < 2 || choices.includes(word)) return;
  throw new UsageError(unknown("argument", word, choices));
}

/** That there is no such thing, and which one was probably meant. */
export function unknown(thing: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  const hint = meant ? `did you mean ${meant}?` : `known: ${known.join(", ")}`;
  return `unknown ${thing} ${quote(word)} (${hint})`;
}

function quote(word: string): string {
  return JSON.stringify(word);
}
