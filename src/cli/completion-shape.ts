// The commands as shells are told of them: names, options, and what may stand for a value.
import { type Command, helpOption } from "./arguments.ts";

/** What may stand for a value: files, folders, one of some words, or something that no shell knows. */
export type Kind = "file" | "folder" | "other" | readonly string[];

/** A command as shells are told of it. */
export interface Shape {
  /** One word, or two. */
  readonly name: string;
  readonly summary: string;
  /** What its first word may be. */
  readonly words: Kind;
  /** `kind` is null for a switch. */
  readonly options: readonly { name: string; help: string; kind: Kind | null }[];
}

export function shapesOf(commands: readonly Command[]): Shape[] {
  return commands.map(({ name, summary, words = "", options }) => ({
    name,
    summary,
    words: kindOf(words),
    options: Object.entries({ ...options, help: helpOption }).map(([option, { value, help }]) => ({
      name: option,
      help,
      kind: value === undefined ? null : kindOf(value),
    })),
  }));
}

/** By the words that help shows. */
function kindOf(words: string): Kind {
  const [first = ""] = words.split(" ");
  const word = first.replace(/[[\]]/g, "");
  const choices = word.split("|");
  if (choices.length > 1) return choices;
  if (/\bFILE\b/.test(words) || first === "PATH") return "file";
  return /^(DIR|FOLDER|STORAGE)$/.test(word) ? "folder" : "other";
}

/** The first words of all commands, each once: the summary is that of the command, or tells what may follow. */
export function firstWords(shapes: readonly Shape[]): { word: string; summary: string }[] {
  const words = [...new Set(shapes.map(({ name }) => name.split(" ")[0]!))];
  return words.map((word) => {
    const own = shapes.find(({ name }) => name === word);
    return {
      word,
      summary:
        own?.summary ??
        secondWords(shapes, word)
          .map(({ word }) => word)
          .join(", "),
    };
  });
}

/** What may follow the first word and is a command with it. */
export function secondWords(
  shapes: readonly Shape[],
  first: string,
): { word: string; summary: string }[] {
  return shapes
    .filter(({ name }) => name.startsWith(`${first} `))
    .map(({ name, summary }) => ({ word: name.slice(first.length + 1), summary }));
}
