import { expect, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import { ConfigError } from "../config/errors.ts";
import { Problem } from "../core/problem.ts";
import type { Command } from "./arguments.ts";
import { runCli } from "./index.ts";
import { fakeTerminal } from "./testing.ts";

const wrong = [
  { file: "a.yaml", line: 2, column: 3, path: "listn", message: "unknown key" },
  { file: "a.yaml", line: 10, column: 12, path: "cache.memory", message: "is missing" },
];

function failing(name: string, error: unknown): Command {
  return { name, summary: `Fails with ${name}`, options: {}, run: () => Promise.reject(error) };
}

const commands: Command[] = [
  {
    name: "serve",
    summary: "Serve it",
    words: "[WHERE]",
    options: { offline: { help: "Ask no one" }, "rate-limit": { value: "SIZE", help: "Slower" } },
    details: "It serves.",
    examples: [
      ["serve", "Here"],
      ["serve there --offline", "There"],
    ],
    run: async (given, terminal) => {
      terminal.out(`serves ${given.words.join()}\n`);
      return given.on("offline") ? 1 : 0;
    },
  },
  failing("wrong", new ConfigError(wrong)),
  failing("expected", new Problem("full", "No space left in ./data")),
  failing("system", Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" })),
  failing("bug", new TypeError("x is not a function")),
];

const double = (name: string): Command => ({
  name,
  summary: `Does ${name}`,
  words: "REPOSITORY",
  options: { force: { help: "Do it" } },
  run: async ({ words }, terminal) => {
    terminal.out(`${name}: ${words.join()}\n`);
    return 0;
  },
});
commands.push(double("mirror run"), double("mirror clean"));

const OVERVIEW = `Holdfast keeps a team's builds alive: packages from one place, verified and pinned, also when the upstream is away.

Usage: holdfast COMMAND [OPTIONS]

  serve [WHERE]            Serve it
  wrong                    Fails with wrong
  expected                 Fails with expected
  system                   Fails with system
  bug                      Fails with bug
  mirror run REPOSITORY    Does mirror run
  mirror clean REPOSITORY  Does mirror clean

holdfast COMMAND --help tells more. holdfast --version tells which Holdfast this is.
`;
const HELP = `Serve it.

Usage: holdfast serve [WHERE] [OPTIONS]

It serves.

Options:
  --offline          Ask no one
  --rate-limit SIZE  Slower
  --help             Show this

Examples:
  holdfast serve                  Here
  holdfast serve there --offline  There
`;

const MIRROR = OVERVIEW.replace(/^ {2}(serve|wrong|expected|system|bug) .*\n/gm, "");

const runs: [argv: string[], code: number, out: string, err: string][] = [
  [[], 2, "", OVERVIEW],
  [["--help"], 0, OVERVIEW, ""],
  [["help"], 0, OVERVIEW, ""],
  [["help", "serve"], 0, HELP, ""],
  [["serve", "--help"], 0, HELP, ""],
  [["serve", "-h"], 0, HELP, ""],
  [["--version"], 0, `holdfast ${manifest.version}\n`, ""],
  [["serve", "here"], 0, "serves here\n", ""],
  [["serve", "--offline"], 1, "serves \n", ""],
  [
    ["--offline", "--data", "x"],
    2,
    "",
    "holdfast: the command comes first: holdfast serve --offline --data x\n",
  ],
  [
    ["srve"],
    2,
    "",
    'holdfast: unknown command "srve" (did you mean serve?)\nholdfast --help lists the commands.\n',
  ],
  [
    ["serve", "--oflin"],
    2,
    "",
    "holdfast serve: unknown option --oflin (did you mean --offline?)\nholdfast serve --help shows what it takes.\n",
  ],
  [["mirror", "run", "deb"], 0, "mirror run: deb\n", ""],
  [["mirror", "clean", "--force", "deb"], 0, "mirror clean: deb\n", ""],
  [["mirror", "--help"], 0, MIRROR, ""],
  [["help", "mirror"], 0, MIRROR, ""],
  [
    ["mirror", "cleen", "deb"],
    2,
    "",
    'holdfast mirror: unknown argument "cleen" (did you mean clean?)\nholdfast mirror --help shows what it takes.\n',
  ],
  [
    ["mirror"],
    2,
    "",
    "holdfast mirror: what is missing: run|clean\nholdfast mirror --help shows what it takes.\n",
  ],
  [
    ["mirror", "run"],
    2,
    "",
    "holdfast mirror run: what is missing: REPOSITORY\nholdfast mirror run --help shows what it takes.\n",
  ],
  [
    ["mirror", "run", "a", "b"],
    2,
    "",
    'holdfast mirror run: unexpected argument "b"\nholdfast mirror run --help shows what it takes.\n',
  ],
  [
    ["miror", "run", "deb"],
    2,
    "",
    'holdfast: unknown command "miror" (did you mean mirror?)\nholdfast --help lists the commands.\n',
  ],
  [
    ["wrong"],
    1,
    "",
    `a.yaml:2:3    listn         unknown key
a.yaml:10:12  cache.memory  is missing
holdfast: the configuration has 2 mistakes
`,
  ],
  [["expected"], 1, "", "holdfast expected: No space left in ./data\n"],
  [["system"], 1, "", "holdfast system: EACCES: permission denied\n"],
];
for (const [argv, code, out, err] of runs)
  test(`holdfast ${argv.join(" ")}`, async () => {
    const terminal = fakeTerminal();
    expect(await runCli(argv, commands, terminal)).toBe(code);
    expect(terminal.printed).toEqual({ out, err });
  });

test("a bug shows where it is", async () => {
  const terminal = fakeTerminal();
  expect(await runCli(["bug"], commands, terminal)).toBe(1);
  expect(terminal.printed.err).toMatch(/TypeError: x is not a function\n +at /);
});
