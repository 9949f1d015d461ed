// `holdfast publish`: files of this machine, published in one of the server's repositories.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../config/resolve.ts";
import type { Format } from "../core/format.ts";
import { type Command, type Given, type Option, UsageError, unknown } from "./arguments.ts";
import { releaseOf } from "./hosted.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { who } from "./who.ts";

export interface PublishDeps extends RunDeps {
  formats: readonly Pick<Format, "name" | "options" | "fileOptions" | "publishes">[];
}

export function publishCommand(deps: PublishDeps): Command {
  const taking = deps.formats.filter(({ publishes }) => publishes);
  const own: Record<string, Option> = Object.fromEntries(
    taking.flatMap(({ publishes = {} }) =>
      Object.entries(publishes).map(([name, help]) => [name, { value: name.toUpperCase(), help }]),
    ),
  );
  const names = taking.map(({ name }) => name);
  return {
    name: "publish",
    words: "FORMAT [REPOSITORY] [PACKAGE@VERSION] FILE...",
    summary: "Publish files of this machine in a repository",
    options: {
      repository: { value: "NAME", help: "In this repository; none: in the only one of FORMAT" },
      ...own,
      config: configOptions.config,
      data: configOptions.data,
    },
    details: `FORMAT is ${names.join(" or ")}; packages of other formats are published by their own clients. PACKAGE@VERSION may be left out where the
file itself says both. What was published never changes: the same file again is no error, another one under its version is refused.
A server that runs on the data directory does it; without one this command does it itself.`,
    examples: [["publish composer acme/ui@1.2.3 ui.zip", "Publish a package without Git"]],
    async run(given, terminal) {
      const config = configFrom(given, deps.formats, terminal);
      const [format = "", ...words] = given.words;
      if (!names.includes(format)) throw new UsageError(unknown("format", format, names));
      const repository = repositoryOf(given, format, words, config);
      if (words[0] === repository) words.shift();
      const [first = ""] = words;
      const isRelease = first.lastIndexOf("@") > 0 && !existsSync(resolve(terminal.cwd, first));
      const release = isRelease ? releaseOf(words.shift()!) : null;
      if (words.length === 0) throw new UsageError("which file?");
      const values = {
        by: who(),
        repository,
        files: JSON.stringify(words.map((word) => resolve(terminal.cwd, word))),
        package: release?.name,
        version: release?.version || undefined,
        ...Object.fromEntries(Object.keys(own).map((option) => [option, given.text(option)])),
      };
      return runHouse("publish", values, config, deps, terminal);
    },
  };
}

/** The one that is named, by option or as the first of the words, or the only one that there is. */
function repositoryOf(
  given: Given,
  format: string,
  [first]: readonly string[],
  { repositories }: Config,
): string {
  const known = repositories.filter((one) => one.format === format).map(({ name }) => name);
  const named = given.text("repository");
  if (named !== undefined) {
    if (known.includes(named)) return named;
    throw new UsageError(unknown(`repository of ${format}`, named, known));
  }
  if (first !== undefined && known.includes(first)) return first;
  if (known.length === 1) return known[0]!;
  if (known.length === 0)
    throw new UsageError(`no repository of the configuration is of ${format}`);
  throw new UsageError(`in which repository? --repository ${known.join("|")}`);
}
