import { expect, test } from "bun:test";
import { type Command, parseArguments, UsageError } from "./arguments.ts";

function command(words?: string): Command {
  return {
    name: "try",
    summary: "Try",
    ...(words === undefined ? {} : { words }),
    options: { config: { value: "FILE", help: "A file" }, offline: { help: "A switch" } },
    run: async () => 0,
  };
}

const accepted: [words: string | undefined, argv: string[], want: object][] = [
  [undefined, [], { words: [], config: undefined, offline: false, help: false }],
  [undefined, ["--config", "a.yaml", "--offline"], { config: "a.yaml", offline: true }],
  [undefined, ["--config=a.yaml"], { config: "a.yaml" }],
  [undefined, ["--config=-"], { config: "-" }],
  [undefined, ["--config", "a", "--config", "b"], { config: "b" }],
  [undefined, ["-h"], { help: true }],
  ["check|show", ["show", "--offline"], { words: ["show"], offline: true }],
  ["check|show", ["--help"], { help: true, words: [] }],
  ["[CLIENT]", [], { words: [] }],
  ["[CLIENT]", ["--", "--odd"], { words: ["--odd"] }],
];
for (const [words, argv, want] of accepted)
  test(`try ${words ?? ""}: ${argv.join(" ")}`, () => {
    const given = parseArguments(command(words), argv);
    const seen = {
      words: given.words,
      config: given.text("config"),
      offline: given.on("offline"),
      help: given.help,
    };
    expect(seen).toMatchObject(want);
  });

const refused: [words: string | undefined, argv: string[], want: string][] = [
  [undefined, ["--ofline"], "unknown option --ofline (did you mean --offline?)"],
  [undefined, ["--zzz"], "unknown option --zzz"],
  [undefined, ["--__proto__"], "unknown option --__proto__"],
  [undefined, ["-x"], "unknown option -x"],
  [undefined, ["--config"], "--config needs a value: --config FILE"],
  [undefined, ["--config="], "--config needs a value: --config FILE"],
  [undefined, ["--config", "--offline"], "--config needs a value: --config FILE"],
  [undefined, ["--offline=yes"], "--offline takes no value"],
  [undefined, ["word"], 'unexpected argument "word"'],
  ["check|show", [], "what is missing: check|show"],
  ["check|show", ["chek"], 'unknown argument "chek" (did you mean check?)'],
  ["check|show", ["xyzzy"], 'unknown argument "xyzzy" (known: check, show)'],
  ["[CLIENT]", ["a", "b"], 'unexpected argument "b"'],
];
for (const [words, argv, want] of refused)
  test(`try ${words ?? ""}: ${argv.join(" ")} is refused`, () =>
    expect(() => parseArguments(command(words), argv)).toThrow(new UsageError(want)));
