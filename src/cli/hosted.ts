// `holdfast promote`, `yank`, `unpublish` and `trash …`: what is done with published packages from the server's own machine.
import type { Format } from "../core/format.ts";
import { type Command, type Given, type Option, UsageError, unknown } from "./arguments.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { who } from "./who.ts";

export interface HostedCommandDeps extends RunDeps {
  formats: readonly Pick<Format, "name" | "options" | "fileOptions" | "hosts">[];
}

const WHERE =
  "A server that runs on the data directory does it; without one this command does it itself.";
const FILE: Option = { value: "NAME", help: "This file of it alone" };

export function hostedCommands(deps: HostedCommandDeps): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };
  const run = (
    name: string,
    given: Given,
    terminal: Terminal,
    values: Record<string, string | undefined>,
    repositories: (string | undefined)[],
  ) => {
    const config = configFrom(given, deps.formats, terminal);
    const hosting = config.repositories.filter(
      ({ format }) => deps.formats.find((one) => one.name === format)?.hosts,
    );
    const names = hosting.map((one) => one.name);
    for (const repository of repositories)
      if (repository !== undefined && !names.includes(repository))
        throw new UsageError(
          unknown("repository that packages are published in", repository, names),
        );
    return runHouse(name, { ...values, by: who() }, config, deps, terminal);
  };
  return [
    {
      name: "promote",
      words: "PACKAGE@VERSION FROM TO",
      summary: "Publish a release of one repository in another one, with the same bytes",
      options,
      details: `Both repositories speak the same format. The release stays in the first one. ${WHERE}`,
      examples: [["promote @acme/ui@1.2.3 staging release", "What was tested is what is released"]],
      async run(given, terminal) {
        const [what, from, to] = given.words as [string, string, string];
        const { name, version } = wholeRelease(what);
        return run("promote", given, terminal, { package: name, version, from, to }, [from, to]);
      },
    },
    {
      name: "yank",
      words: "PACKAGE@VERSION REPOSITORY",
      summary: "Say that a version is not to be chosen any more",
      options: { reason: { value: "TEXT", help: "Why, for whoever installs it" }, ...options },
      details: `It stays, for those who name it exactly: pip, uv and poetry take no other version of a range then, npm, pnpm and yarn warn of a deprecated
one, and Composer installs it where a lock file names it. ${WHERE}`,
      examples: [['yank acme@1.2.3 pypi --reason "loses data"', "Have 1.2.4 chosen in its place"]],
      run: (given, terminal) => onRelease("yank", given, terminal, given.text("reason") ?? ""),
    },
    {
      name: "unyank",
      words: "PACKAGE@VERSION REPOSITORY",
      summary: "Take that back",
      options,
      details: WHERE,
      run: (given, terminal) => onRelease("unyank", given, terminal),
    },
    {
      name: "abandon",
      words: "REPOSITORY PACKAGE [REPLACEMENT]",
      summary: "Say that nobody looks after a published package any more: its clients are warned",
      options: { back: { help: "Take that back" }, ...options },
      details: `It is installed as before. REPLACEMENT is what clients are told to use in its place. ${WHERE}`,
      examples: [["abandon php acme/ui acme/kit", "Use acme/kit instead"]],
      async run(given, terminal) {
        const [repository, name, replacement] = given.words as [string, string, string?];
        const isBack = given.on("back") ? "yes" : undefined;
        if (isBack && replacement) throw new UsageError("--back takes no REPLACEMENT");
        const values = { repository, package: name, replacement, isBack };
        return run("abandon", given, terminal, values, [repository]);
      },
    },
    {
      name: "unpublish",
      words: "REPOSITORY PACKAGE[@VERSION]",
      summary: "Take a published package, a version or a file out of what is shown",
      options: { file: FILE, ...options },
      details: `It goes to the trash of the repository, from where it can be restored for as long as the configuration says (hosted: trash). Its
name stays the repository's, and the version can never be published with other bytes. ${WHERE}`,
      examples: [["unpublish npm @acme/ui@1.2.3", "Take this version back"]],
      run: (given, terminal) => onPart("unpublish", given, terminal),
    },
    {
      name: "trash list",
      words: "[REPOSITORY]",
      summary: "Show what was unpublished and can be restored",
      options,
      details: WHERE,
      async run(given, terminal) {
        const [repository] = given.words;
        return run("trash list", given, terminal, { repository }, [repository]);
      },
    },
    {
      name: "trash restore",
      words: "REPOSITORY PACKAGE[@VERSION]",
      summary: "Publish again what was unpublished, as it was",
      options: { file: FILE, ...options },
      details: WHERE,
      run: (given, terminal) => onPart("trash restore", given, terminal),
    },
    {
      name: "trash empty",
      words: "REPOSITORY",
      summary: "Take all that was unpublished off the disk, for ever",
      options,
      details: `That its versions can never be published with other bytes stays. ${WHERE}`,
      async run(given, terminal) {
        const [repository] = given.words;
        return run("trash empty", given, terminal, { repository }, [repository]);
      },
    },
  ];

  async function onRelease(
    action: "yank" | "unyank",
    given: Given,
    terminal: Terminal,
    reason?: string,
  ): Promise<number> {
    const [what, repository] = given.words as [string, string];
    const { name, version } = wholeRelease(what);
    return run(action, given, terminal, { repository, package: name, version, reason }, [
      repository,
    ]);
  }

  async function onPart(name: string, given: Given, terminal: Terminal): Promise<number> {
    const [repository, what] = given.words as [string, string];
    const part = releaseOf(what);
    const values = {
      repository,
      package: part.name,
      version: part.version,
      file: given.text("file"),
    };
    return run(name, given, terminal, values, [repository]);
  }
}

function wholeRelease(text: string): { name: string; version: string } {
  const { name, version } = releaseOf(text);
  if (!version) throw new UsageError(`which version of ${name}? ${name}@VERSION`);
  return { name, version };
}

/** "@acme/ui@1.2.3": the at sign that a name begins with is none that ends it. */
export function releaseOf(text: string): { name: string; version: string | undefined } {
  const [, spelled, exact] = /^([^=]+)==([^=]+)$/.exec(text) ?? []; // as pip writes it
  if (spelled !== undefined) return { name: spelled, version: exact };
  const at = text.lastIndexOf("@");
  if (at <= 0) return { name: text, version: undefined };
  return { name: text.slice(0, at), version: text.slice(at + 1) };
}
